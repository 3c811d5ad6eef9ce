-- Removes an ended job from Redis and from every list that shows it.
-- KEYS 1 as in shared.lua
-- ARGV 1 userId, 2 state it ended in (for one that only the archive had), 3 whether it is to be taken off the count of that state: '1' from
--      the one deleter that found it, '' from the others
-- Answers 'deleted' or 'live'
local state = call('HGET', RECORD, 'state')
if state == 'new' or state == 'running' then return 'live' end
local mine = TAG .. ':mine:' .. ARGV[1]
call('DEL', RECORD, LOG, TAG .. ':rows:' .. ID)
call('ZREM', TAG .. ':ended', ID)
call('ZREM', mine, ID)
call('HINCRBY', TALLY, ARGV[3] ~= '' and 'deleted_' .. ARGV[2] or 'changed', 1)
local body = '|' .. (call('HGET', TAG .. ':shard', 'epoch') or '') .. '|removed\n' .. ID
call('PUBLISH', mine, call('HINCRBY', TAG .. ':versions', ARGV[1], 1) .. body)
call('PUBLISH', TAG .. ':feed', feed_version() .. body)
return 'deleted'
