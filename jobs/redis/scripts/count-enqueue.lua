-- Counts how often a job that has not begun was handed to the queue, so that one that always vanishes is not tried for ever.
-- KEYS 1 job
-- Answers the count, or 0 when the job is no longer new (nothing is done then)
if redis.call('HGET', KEYS[1], 'state') ~= 'new' then return 0 end
return redis.call('HINCRBY', KEYS[1], 'enqueued', 1)
