-- Entries in the queue, written and removed as BullMQ's addStandardJob and moveToFinished do.
-- Without what nobody here uses: the event stream, ids by counter, flows, deduplication, metrics,
-- and lists of completed jobs.
--   queue  prefix of the queue's keys

-- The marker wakes an idle worker. On a paused queue it wakes one in vain.
local function add_entry(queue, id, search, data, options)
  call('HMSET', queue .. id, 'name', search, 'data', data, 'opts', options, 'timestamp', now(),
    'delay', '0', 'priority', '0')
  call('LPUSH', queue .. 'wait', id)
  call('ZADD', queue .. 'marker', '0', '0')
end

-- Answers 0, or BullMQ's error code: -2 no lock, -3 not active, -6 locked with another token.
local function remove_entry(queue, id, token)
  local entry = queue .. id
  local lock = entry .. ':lock'
  local held_with = call('GET', lock)
  if held_with ~= token then return held_with and -6 or -2 end
  if call('LREM', queue .. 'active', '-1', id) == 0 then return -3 end
  call('DEL', entry, lock)
  return 0
end
