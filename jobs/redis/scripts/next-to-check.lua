-- The live jobs that a reconciler looks at next, round and round: each pass goes on where the one before ended, whoever made it.
-- KEYS 1 live, 2 shard
-- ARGV 1 most
-- Answers their ids
local most = tonumber(ARGV[1])
local from = redis.call('HGET', KEYS[2], 'checked') or 0
local page = redis.call('ZRANGEBYSCORE', KEYS[1], from, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
local ids, last = {}, 0
for i = 1, #page, 2 do
  ids[#ids + 1] = page[i]
  last = tonumber(page[i + 1])
end
-- A full page ends in the midst of those that were created in its last millisecond; they come again, unless they are all of it.
local next_from = 0
if #ids == most then next_from = last > tonumber(from) and last or last + 1 end
redis.call('HSET', KEYS[2], 'checked', next_from)
return ids
