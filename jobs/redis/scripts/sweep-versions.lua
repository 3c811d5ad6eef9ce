-- Removes the versions of owners who have no unarchived jobs, so that the hash does not grow with
-- every user for ever. Atomic, so that no list repeats a version: a sweep raises them all.
-- KEYS 1 versions, 2 shard
-- ARGV 1 prefix of the keys of owners' jobs, 2 cursor ('0' = first call), 3 fields per call
-- Answers the next cursor ('0' = done)
local cursor, page = unpack(redis.call('HSCAN', KEYS[1], ARGV[2], 'COUNT', ARGV[3]))
local idle = {}
for i = 1, #page, 2 do
  if redis.call('EXISTS', ARGV[1] .. page[i]) == 0 then idle[#idle + 1] = page[i] end
end
if #idle > 0 then
  redis.call('HDEL', KEYS[1], unpack(idle))
  redis.call('HINCRBY', KEYS[2], 'sweeps', 1)
end
return cursor
