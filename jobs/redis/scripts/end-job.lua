-- Ends a job from outside its run: a user cancels it, the reconciler finds it lost. Atomic and guarded by what the caller has read, so
-- that the first ending wins and nobody ends an attempt that began meanwhile.
-- KEYS 1…12 as in shared.lua
-- ARGV 1 state and 2 attempt that the caller read, 3 ending, 4 message (JSON), 5 finishedAt (ISO), 6 the same in ms, 7 state event (JSON)
-- Answers 'ended', 'changed' (read it again) or 'gone'
local now = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'id')
if not now[1] then return 'gone' end
if now[1] ~= ARGV[1] or now[2] ~= ARGV[2] or (now[1] ~= 'new' and now[1] ~= 'running') then return 'changed' end

finish(now[3], now[1], ARGV[3], ARGV[4], ARGV[5], ARGV[6])
append('state', ARGV[7])
announce()
redis.call('PUBLISH', KEYS[12], now[3])
return 'ended'
