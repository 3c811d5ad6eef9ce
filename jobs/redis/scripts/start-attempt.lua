-- Starts an attempt and raises the fence: from here on only this attempt may write. Of two workers
-- that hold the same job the one with the later delivery wins, whichever comes first.
--   search    the type of the job
--   delivery  BullMQ's attemptsStarted
--   token     BullMQ's lock token
--   worker    the process, for users
--   head, tail  data of the state event, before and after the attempt's number
-- Answers {'started', input (JSON), the worker of the previous attempt if that one ended without a
-- note that says why, else ''}, and the same again for the same delivery and token; {'refused'};
-- {'gone'}
local function start(job, search, delivery, token, worker, head, tail)
  local before = call('HMGET', job.record, 'state', 'attempt', 'token', 'userId', 'brief', 'input')
  local state, attempt = before[1], tonumber(before[2] or 0)
  if not state then return {'gone'} end
  local input, number = before[6] or before[5], tonumber(delivery)
  if state ~= 'new' and state ~= 'running' then return {'refused'} end
  if number == attempt and token == before[3] then
    return {'started', input, call('HGET', job.record, 'lost') or ''}
  end
  if number <= attempt then return {'refused'} end

  local lost = ''
  if attempt == 0 then
    call('HSET', job.record, 'state', 'running', 'attempt', delivery, 'token', token, 'worker',
      worker, 'startedAt', now())
  else
    local former = call('HMGET', job.record, 'attemptOver', 'worker')
    call('HSET', job.record, 'state', 'running', 'attempt', delivery, 'token', token, 'worker',
      worker)
    call('HDEL', job.record, 'n', 'progress', 'rowCount', 'lost', 'patched')
    call('DEL', job.tag .. ':rows:' .. job.id, job.tag .. ':patches:' .. job.id)
    if former[1] ~= before[2] then
      lost = former[2]
      call('HSET', job.record, 'lost', lost)
    end
  end
  local event, top = log(job, 'state', head .. delivery .. tail)
  local first = state == 'new'
  changed(job, before[4], first and 'started' or 'changed', {event}, top, nil, first and search)
  return {'started', input, lost}
end
