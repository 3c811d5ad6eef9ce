-- Hands ended jobs to one archiver for a limited time; if it dies or fails, they are handed out
-- again. Atomic, so that any number of archivers share the work.
-- KEYS 1 ended
-- ARGV 1 now (ms), 2 end of the claim (ms), 3 limit
-- Answers their ids, longest-waiting first
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do redis.call('ZADD', KEYS[1], ARGV[2], id) end
return ids
