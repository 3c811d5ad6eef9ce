-- Ends a job from outside its run: a user cancels it, or the reconciler finds it lost. Atomic and
-- guarded by what the caller has read, so that the first ending wins and no caller ends an attempt
-- that began meanwhile.
-- KEYS 1 as in shared.lua
-- ARGV 1 state and 2 attempt that the caller read, 3 ending, 4 message (JSON), 5 finishedAt (ms),
--      6 state event
-- Answers 'ended', 'changed' (read it again) or 'gone'
local now = call('HMGET', RECORD, 'state', 'attempt', 'userId', 'search')
local state = now[1]
if not state then return 'gone' end
local live = state == 'new' or state == 'running'
if not live or state ~= ARGV[1] or (now[2] or '0') ~= ARGV[2] then return 'changed' end

local ending, event = ARGV[3], ARGV[6]
call('HSET', RECORD, 'state', ending, 'message', ARGV[4], 'finishedAt', ARGV[5])
finish(now[3], now[4], ARGV[5])
local change = state == 'new' and ending .. '_new' or ending
announce(now[3], change, {event}, call('RPUSH', LOG, event))
call('PUBLISH', TAG .. ':control', ID)
return 'ended'
