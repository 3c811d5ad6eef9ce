-- Adds a note to a live job from outside its run (a worker was lost, it waits for the next attempt). Atomic and guarded by what the
-- caller has read, so that no note follows an ending.
-- KEYS 1…12 as in shared.lua
-- ARGV 1 attempt that the caller read, 2 note event (JSON)
-- Answers 'noted' or 'changed'
local now = redis.call('HMGET', KEYS[1], 'state', 'attempt')
if (now[1] ~= 'new' and now[1] ~= 'running') or now[2] ~= ARGV[1] then return 'changed' end
append('note', ARGV[2])
announce()
return 'noted'
