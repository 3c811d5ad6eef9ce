-- Hands ended jobs to one archiver for a limited time; if it dies or fails, they are handed out
-- again. Atomic, so that any number of archivers share the work.
-- KEYS 1 ended
-- ARGV 1 duration of the claim (ms), 2 limit
-- Answers their ids, longest-waiting first
local parts = redis.call('TIME')
local now = parts[1] * 1000 + math.floor(parts[2] / 1000)
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do redis.call('ZADD', KEYS[1], now + ARGV[1], id) end
return ids
