-- Reads a page of the current attempt's rows. Atomic, so that no new attempt begins between finding
-- the rows and reading them.
-- KEYS 1 job, 2 log, 3 rows, 4 patches
-- ARGV 1 index of the first row, 2 number of rows
-- Answers {attempt, rowCount, the events that hold these rows, for each row from the first on its
--      changed cells (JSON or nothing)}, or {} if the job is not in Redis
local now = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'rowCount', 'patched')
if not now[1] then return {} end
local from = tonumber(ARGV[1])
local to = from + tonumber(ARGV[2])
local first = redis.call('ZREVRANGEBYSCORE', KEYS[3], from, '-inf', 'LIMIT', 0, 1)[1]
local last = redis.call('ZREVRANGEBYSCORE', KEYS[3], '(' .. to, '-inf', 'LIMIT', 0, 1)[1]
local events = {}
if first and from < tonumber(now[3] or 0) then
  events = redis.call('LRANGE', KEYS[2], first - 1, last - 1)
end
local patches = {}
if now[4] and #events > 0 then
  for start = from, math.min(to, tonumber(now[3])) - 1, 1000 do
    local indexes = {}
    for index = start, math.min(start + 1000, to, tonumber(now[3])) - 1 do
      indexes[#indexes + 1] = index
    end
    for _, cells in ipairs(redis.call('HMGET', KEYS[4], unpack(indexes))) do
      patches[#patches + 1] = cells or ''
    end
  end
end
return {now[2] or '0', now[3] or '0', events, patches}
