-- Extends the locks that a worker holds on its jobs. Unlike BullMQ's own script, it needs no
-- memory, so that running jobs keep their locks while Redis is full.
-- KEYS 1 prefix of the queue's keys
-- ARGV 1 duration (ms), 2… for each job: its id, the lock token
-- Answers the ids whose lock is lost
local lost = {}
for i = 2, #ARGV, 2 do
  local lock = KEYS[1] .. ARGV[i] .. ':lock'
  if redis.call('GET', lock) == ARGV[i + 1] then
    redis.call('PEXPIRE', lock, ARGV[1])
    redis.call('SREM', KEYS[1] .. 'stalled', ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
