-- Lets one reconciler enqueue a job that has not begun and that the queue does not know. Atomic and not too often, so that whoever is about
-- to enqueue it (its server, another reconciler) has the time to, and one that always vanishes is not tried for ever.
-- KEYS 1 job, 2 live
-- ARGV 1 id, 2 now (ms), 3 how long (ms) to wait since its creation or the last time, 4 most times
-- Answers 'enqueue', 'wait', 'changed' (it is no longer new) or 'too_often'
local now = redis.call('HMGET', KEYS[1], 'state', 'enqueuedAt', 'enqueued')
if now[1] ~= 'new' then return 'changed' end
local last = tonumber(now[2] or redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0)
if tonumber(ARGV[2]) - last < tonumber(ARGV[3]) then return 'wait' end
if tonumber(now[3] or 0) >= tonumber(ARGV[4]) then return 'too_often' end
redis.call('HSET', KEYS[1], 'enqueuedAt', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'enqueued', 1)
return 'enqueue'
