-- Frees a lock whose job has ended or is gone: a thing that can't be, as the step that ends a job frees its lock. Atomic, so that the lock
-- of a job that lives is never freed.
-- KEYS 1 lock, 2 job that it named
-- ARGV 1 id of that job
-- Answers 'held' (the job lives), 'freed', or 'free' (the lock is another's by now, or nobody's: the job has just ended)
local state = redis.call('HGET', KEYS[2], 'state')
if state == 'new' or state == 'running' then return 'held' end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'free' end
redis.call('DEL', KEYS[1])
return 'freed'
