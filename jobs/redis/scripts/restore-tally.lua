-- Sets the counts of a shard after this Redis has lost its data: from the jobs that it has now and
-- from those in the archive. Atomic, so that no job moves while it is counted.
-- KEYS 1 tally, 2 live, 3 ended
-- ARGV 1 prefix of records; 2 complete, 3 error and 4 cancelled jobs in the archive; 5… ended jobs
--      that are in the archive already
local counts = {complete = tonumber(ARGV[2]), error = tonumber(ARGV[3]),
  cancelled = tonumber(ARGV[4]), new = 0, running = 0}
local archived = {}
for i = 5, #ARGV do archived[ARGV[i]] = true end
local function count(set)
  for _, id in ipairs(redis.call('ZRANGE', set, 0, -1)) do
    local state = redis.call('HGET', ARGV[1] .. id, 'state')
    if state and not archived[id] then counts[state] = counts[state] + 1 end
  end
end
count(KEYS[2])
count(KEYS[3])
local ended = counts.complete + counts.error + counts.cancelled
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'created', ended + counts.running + counts.new, 'started',
  ended + counts.running, 'complete', counts.complete, 'error', counts.error, 'cancelled',
  counts.cancelled)
