-- One write of a run: any rows, notes and progress that gathered, and perhaps the ending. Atomic and numbered, so that a write that
-- is sent again after a reconnect happens once, and a run that was cancelled or overtaken changes nothing.
-- KEYS 1…12 as in shared.lua
-- ARGV 1 attempt, 2 n (1, 2, 3… within the attempt), 3 progress (JSON, '' = as before), 4 progress event (JSON, '' = none),
--      5 ending ('' = none), 6 message (JSON), 7 finishedAt (ISO), 8 the same in ms,
--      9… for each durable event: type, data (JSON), number of rows in it
-- Answers 'applied' (also for the write that was applied last) or 'refused'
local now = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'n', 'rowCount', 'id')
if not now[1] or now[2] ~= ARGV[1] then return 'refused' end
local n, last = tonumber(ARGV[2]), tonumber(now[3])
if n == last then return 'applied' end
if now[1] ~= 'running' or n ~= last + 1 then return 'refused' end

redis.call('HSET', KEYS[1], 'n', n)
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'progress', ARGV[3]) end
if ARGV[5] ~= '' then finish(now[5], 'running', ARGV[5], ARGV[6], ARGV[7], ARGV[8]) end

local row = tonumber(now[4])
for i = 9, #ARGV, 3 do
  local seq = append(ARGV[i], ARGV[i + 1])
  local rows = tonumber(ARGV[i + 2])
  if rows > 0 then
    redis.call('ZADD', KEYS[3], row, seq)
    row = row + rows
  end
end
if row > tonumber(now[4]) then redis.call('HSET', KEYS[1], 'rowCount', row) end
if ARGV[4] ~= '' and ARGV[5] == '' then redis.call('PUBLISH', KEYS[2], '|' .. epoch .. '|progress|' .. ARGV[4]) end
announce()
return 'applied'
