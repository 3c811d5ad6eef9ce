-- Hands ended jobs to one archiver, for a while: should it die or fail, they are handed out again. Atomic, so that any number of archivers
-- share the work.
-- KEYS 1 ended
-- ARGV 1 now (ms), 2 until when they are the caller's (ms), 3 most
-- Answers their ids, those that wait the longest first
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do redis.call('ZADD', KEYS[1], ARGV[2], id) end
return ids
