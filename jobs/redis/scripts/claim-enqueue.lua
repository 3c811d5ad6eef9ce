-- Lets one reconciler enqueue a job that has not started and that the queue does not know. Atomic,
-- so that only one does. Limited in rate, so that the job's server or another reconciler has time
-- to finish enqueueing it; and in number, so that a job that always vanishes is not retried
-- forever.
-- KEYS 1 job, 2 live
-- ARGV 1 id, 2 now (ms), 3 minimum time (ms) since its creation or the last claim, 4 maximum claims
-- Answers 'enqueue', 'wait', 'changed' (it is no longer new) or 'too_often'
local now = redis.call('HMGET', KEYS[1], 'state', 'enqueuedAt', 'enqueued')
if now[1] ~= 'new' then return 'changed' end
local last = tonumber(now[2] or redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0)
if tonumber(ARGV[2]) - last < tonumber(ARGV[3]) then return 'wait' end
if tonumber(now[3] or 0) >= tonumber(ARGV[4]) then return 'too_often' end
redis.call('HSET', KEYS[1], 'enqueuedAt', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'enqueued', 1)
return 'enqueue'
