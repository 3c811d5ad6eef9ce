-- After the archive has committed: the keys of the job expire together, and it leaves the lists that are kept in Redis.
-- KEYS 1…12 as in shared.lua
-- ARGV 1 id, 2 seconds that its keys stay readable
-- Answers 1, or 0 when the job is live (nothing is done then)
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'new' or state == 'running' then return 0 end
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('ZREM', KEYS[7], ARGV[1])
redis.call('ZREM', KEYS[8], ARGV[1])
for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[2]) end
return 1
