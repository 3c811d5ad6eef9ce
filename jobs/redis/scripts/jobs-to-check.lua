-- Picks the live jobs that a reconciler checks next. Passes cycle through all of them: each
-- continues where the last one stopped, whichever process made it. Atomic, so that simultaneous
-- passes get different jobs.
-- KEYS 1 live, 2 shard
-- ARGV 1 limit
-- Answers their ids
local limit = tonumber(ARGV[1])
local from = redis.call('HGET', KEYS[2], 'checked') or 0
local page = redis.call('ZRANGEBYSCORE', KEYS[1], from, '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
local ids, last = {}, 0
for i = 1, #page, 2 do
  ids[#ids + 1] = page[i]
  last = tonumber(page[i + 1])
end
-- A full page may cut off jobs that were created in its last millisecond, so the next page starts
-- at that millisecond again, unless it makes up the whole page.
local next_from = 0
if #ids == limit then next_from = last > tonumber(from) and last or last + 1 end
redis.call('HSET', KEYS[2], 'checked', next_from)
return ids
