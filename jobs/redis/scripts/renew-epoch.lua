-- Renews the epoch if this Redis is no longer the one it was made under. After a failover or
-- restart, acknowledged writes may be lost and a seq may be used twice, so all positions that
-- readers hold must become void. Atomic, so that only one of several processes renews it.
-- KEYS 1 shard
-- ARGV 1 current replid, 2 a new epoch
-- Answers the epoch
if redis.call('HGET', KEYS[1], 'replid') ~= ARGV[1] then
  redis.call('HSET', KEYS[1], 'replid', ARGV[1], 'epoch', ARGV[2])
end
return redis.call('HGET', KEYS[1], 'epoch')
