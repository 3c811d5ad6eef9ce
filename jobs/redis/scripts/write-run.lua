-- Applies one write of a run: the rows, notes and progress gathered since the last one, and perhaps
-- the ending. Atomic and numbered, so that a write that is resent after a reconnect is applied
-- once, and a run that was cancelled or overtaken changes nothing.
-- KEYS 1 as in shared.lua
-- ARGV 1 attempt, 2 n (1, 2, 3… within the attempt), 3 progress (JSON, '' = unchanged),
--      4 ending ('' = none), 5 message (JSON, '' = none), 6 finishedAt (ms), 7 stack ('' = none),
--      8 '1' = one of the events says why the attempt is over although the job goes on,
--      9… for each durable event: the event, the number of rows in it
-- Answers 'applied' (also for a repeat of the last write), 'ended', 'overtaken', or 'rolled_back':
--      the store has lost writes of this run that it had acknowledged, so the job must start over
local now = call('HMGET', RECORD, 'state', 'attempt', 'n', 'rowCount', 'userId', 'search')
if not now[1] then return 'ended' end
local attempt, current = tonumber(ARGV[1]), tonumber(now[2] or 0)
local n, last = tonumber(ARGV[2]), tonumber(now[3] or 0)
if attempt > 0 and attempt == current and n == last then return 'applied' end
if now[1] ~= 'new' and now[1] ~= 'running' then return 'ended' end
if attempt < current then return 'overtaken' end
if now[1] == 'new' or attempt > current or n ~= last + 1 then return 'rolled_back' end

local fields, events = {'n', n}, {}
local rows = tonumber(now[4] or 0)
local rows_before = rows
for i = 9, #ARGV, 2 do events[#events + 1] = ARGV[i] end
local top = 0
if #events > 0 then top = call('RPUSH', LOG, unpack(events)) end
for i, _ in ipairs(events) do
  local count = tonumber(ARGV[8 + 2 * i])
  if count > 0 then
    call('ZADD', TAG .. ':rows:' .. ID, rows, top - #events + i)
    rows = rows + count
  end
end

local function set(field, value)
  fields[#fields + 1] = field
  fields[#fields + 1] = value
end
if rows > rows_before then set('rowCount', rows) end
if ARGV[3] ~= '' then set('progress', ARGV[3]) end
if ARGV[8] ~= '' then set('attemptOver', attempt) end
local ending = ARGV[4]
if ending ~= '' then
  set('state', ending)
  set('finishedAt', ARGV[6])
  if ARGV[5] ~= '' then set('message', ARGV[5]) end
  if ARGV[7] ~= '' then set('stack', ARGV[7]) end
  finish(now[5], now[6], ARGV[6])
end
call('HSET', RECORD, unpack(fields))
local change = ending ~= '' and ending or 'changed'
-- No progress follows an ending.
local progress = ending == '' and ARGV[3] ~= '' and ARGV[3]
announce(now[5], change, events, top, progress)
return 'applied'
