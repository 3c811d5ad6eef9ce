-- Keeps the epoch tied to the life of this Redis: after a failover or a restart acknowledged writes may be lost and a seq be given out
-- twice, so all positions that readers hold must be void. Atomic, so that of several processes that notice it only one renews it.
-- KEYS 1 shard
-- ARGV 1 replid now, 2 a new epoch
-- Answers the epoch
if redis.call('HGET', KEYS[1], 'replid') ~= ARGV[1] then redis.call('HSET', KEYS[1], 'replid', ARGV[1], 'epoch', ARGV[2]) end
return redis.call('HGET', KEYS[1], 'epoch')
