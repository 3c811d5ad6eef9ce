-- Removes an ended job from Redis and from every list that shows it.
-- KEYS 1…12 as in shared.lua
-- ARGV 1 id, 2 userId, 3 state it ended in (for one that only the archive had)
-- Answers 'deleted' or 'live'
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'new' or state == 'running' then return 'live' end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('ZREM', KEYS[7], ARGV[1])
redis.call('ZREM', KEYS[8], ARGV[1])
redis.call('HINCRBY', KEYS[10], ARGV[3], -1)
local body = '|' .. epoch .. '|removed\n' .. ARGV[1]
redis.call('PUBLISH', KEYS[7], redis.call('HINCRBY', KEYS[9], ARGV[2], 1) .. body)
redis.call('PUBLISH', KEYS[8], redis.call('HINCRBY', KEYS[9], '*', 1) .. body)
return 'deleted'
