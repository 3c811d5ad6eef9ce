-- Frees a lock whose job has ended or is gone. That should never happen, since the step that ends a
-- job frees its lock. Atomic, so that the lock of a live job is never freed.
-- KEYS 1 lock, 2 job that it named
-- ARGV 1 id of that job
-- Answers 'held' (the job is live), 'freed', or 'free' (the job has just ended: its lock is free or
--      already held by another job)
local state = redis.call('HGET', KEYS[2], 'state')
if state == 'new' or state == 'running' then return 'held' end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'free' end
redis.call('DEL', KEYS[1])
return 'freed'
