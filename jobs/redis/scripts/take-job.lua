-- Takes the next job of a queue and starts its attempt. `move_to_active` is BullMQ's own script. An
-- entry whose job has ended meanwhile, such as a cancelled one, is dropped and the next one taken.
--   queue    prefix of the queue's keys
--   lock_ms  how long the lock on the entry lasts unless extended
--   worker, head, tail, token  as in start-attempt.lua
local drops_at_once = 100

local function is_job(fetched) return type(fetched) == 'table' and type(fetched[1]) == 'table' end

local function drop(queue, id)
  call('LREM', queue .. 'active', 1, id)
  call('DEL', queue .. id, queue .. id .. ':lock')
end

-- Starts the job that BullMQ has fetched. False if it has ended: its entry is dropped. Empty if
-- BullMQ is to fail it without running it, because it has stalled too often.
local function started(fetched, tag, queue, token, worker, head, tail)
  local entry, delivery = fetched[1], '0'
  for i = 1, #entry, 2 do
    if entry[i] == 'defa' then return '' end
    if entry[i] == 'ats' then delivery = entry[i + 1] end
  end
  local job, search = job_of(tag .. ':job:' .. fetched[2]), string.match(queue, ':bull:(.+):$')
  local answer = start(job, search, delivery, token, worker, head, tail)
  if answer[1] == 'started' then return answer end
  drop(queue, fetched[2])
  return false
end

-- Answers what BullMQ does, and the answer of start-attempt.lua if it is a job. `fetched` is the
-- first job to start, if it has been fetched before.
local function take(tag, queue, lock_ms, token, worker, head, tail, fetched)
  local keys = {queue .. 'wait', queue .. 'active', queue .. 'prioritized', queue .. 'events',
    queue .. 'stalled', queue .. 'limiter', queue .. 'delayed', queue .. 'paused', queue .. 'meta',
    queue .. 'pc', queue .. 'marker'}
  local options = {token = token, lockDuration = lock_ms}
  for _ = 0, drops_at_once do
    fetched = fetched or move_to_active(keys, {queue, now(), options})
    if not is_job(fetched) then return fetched end
    local answer = started(fetched, tag, queue, token, worker, head, tail)
    if answer then return fetched, answer end
    fetched = nil
  end
  -- Enough for one script. The marker, which BullMQ has set, makes a worker ask for the rest.
  return {0, 0, 0, 0}
end
