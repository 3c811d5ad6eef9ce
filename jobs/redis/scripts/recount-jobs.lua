-- Sets the counts of a shard after this Redis may have lost data: from the jobs that it has now and
-- from those in the archive. Atomic, so that no job moves while it is counted.
-- KEYS 1 shard, 2 tally, 3 live, 4 ended
-- ARGV 1 epoch that the caller read, 2 prefix of records; 3 complete, 4 error and 5 cancelled jobs
--      in the archive; 6… ended jobs of this Redis that are in the archive already, or deleted
-- Answers 'recounted' or 'changed' (the epoch is another one by now)
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 'changed' end
local counts = {complete = tonumber(ARGV[3]), error = tonumber(ARGV[4]),
  cancelled = tonumber(ARGV[5]), new = 0, running = 0}
local archived = {}
for i = 6, #ARGV do archived[ARGV[i]] = true end
for i = 3, 4 do
  for _, id in ipairs(redis.call('ZRANGE', KEYS[i], 0, -1)) do
    local state = redis.call('HGET', ARGV[2] .. id, 'state')
    if state and not archived[id] then counts[state] = counts[state] + 1 end
  end
end

-- The sum of all fields is the version of the feed, which never goes back.
local version = 0
for _, count in ipairs(redis.call('HVALS', KEYS[2])) do version = version + count end
local ended = counts.complete + counts.error + counts.cancelled
local started = ended + counts.running
local created = started + counts.new
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'created', created, 'started', started, 'complete', counts.complete,
  'error', counts.error, 'cancelled', counts.cancelled,
  'changed', math.max(0, version + 1 - created - started - ended))
redis.call('HSET', KEYS[1], 'settled', ARGV[1])
return 'recounted'
