-- Starts an attempt and raises the fence: from here on only this attempt may write. Of two workers
-- that hold the same job the one with the later delivery wins, whichever comes first.
--   delivery  BullMQ's attemptsStarted
--   token     BullMQ's lock token
--   worker    the process, for users
--   head, tail  data of the state event, before and after the attempt's number
-- Answers {'started', input (JSON), the worker of the previous attempt if that one ended without a
-- note that says why, else ''}, and the same again for the same delivery and token; {'refused'};
-- {'gone'}
local function start(job, delivery, token, worker, head, tail)
  local before = call('HMGET', job.record, 'state', 'attempt', 'token', 'startedAt', 'userId',
    'brief', 'input', 'attemptOver', 'worker', 'lost', 'search')
  local state, attempt = before[1], tonumber(before[2] or 0)
  if not state then return {'gone'} end
  local input = before[7] or before[6]

  if state ~= 'new' and state ~= 'running' then return {'refused'} end
  if delivery == attempt and token == before[3] then return {'started', input, before[10] or ''} end
  if delivery <= attempt then return {'refused'} end

  call('HSET', job.record, 'state', 'running', 'attempt', delivery, 'token', token, 'worker', worker,
    'startedAt', before[4] or now())
  local lost = ''
  if attempt > 0 then
    call('HDEL', job.record, 'n', 'progress', 'rowCount', 'lost')
    call('DEL', job.tag .. ':rows:' .. job.id)
    if before[8] ~= before[2] then
      lost = before[9]
      call('HSET', job.record, 'lost', lost)
    end
  end
  local event, top = log(job, 'state', head .. delivery .. tail)
  local first = state == 'new'
  changed(job, before[5], first and 'started' or 'changed', {event}, top, nil, first and before[11])
  return {'started', input, lost}
end
