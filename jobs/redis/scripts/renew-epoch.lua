-- Keeps the epoch tied to the life of this Redis: after a failover or a restart acknowledged writes may be lost and a seq be given out
-- twice, so all positions that readers hold must be void. Atomic, so that of several processes that notice it only one renews it.
-- KEYS 1 epoch, 2 replid that it was made under
-- ARGV 1 replid now, 2 a new epoch
-- Answers the epoch
if redis.call('GET', KEYS[2]) ~= ARGV[1] then redis.call('MSET', KEYS[2], ARGV[1], KEYS[1], ARGV[2]) end
return redis.call('GET', KEYS[1])
