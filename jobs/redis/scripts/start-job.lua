-- Starts an attempt and raises the fence: from here on only this attempt may write. Atomic, so that
-- of two workers that hold the same job the one with the later delivery wins, whichever comes
-- first.
-- KEYS 1 as in shared.lua
-- ARGV 1 delivery (BullMQ's attemptsStarted), 2 lock token, 3 worker, 4 startedAt (ms),
--      5 state event
-- Answers {'started', input (JSON), the worker of the previous attempt if that one ended without a
--      note that says why, else ''}, and the same again for the same delivery and token;
--      {'refused'}; {'gone'}
local now = call('HMGET', RECORD, 'state', 'attempt', 'token', 'startedAt', 'userId', 'brief',
  'input', 'attemptOver', 'worker', 'lost')
local state, attempt = now[1], tonumber(now[2] or 0)
if not state then return {'gone'} end
local delivery, token, input = tonumber(ARGV[1]), ARGV[2], now[7] or now[6]

if state ~= 'new' and state ~= 'running' then return {'refused'} end
if delivery == attempt and token == now[3] then return {'started', input, now[10] or ''} end
if delivery <= attempt then return {'refused'} end

call('HSET', RECORD, 'state', 'running', 'attempt', delivery, 'token', token, 'worker', ARGV[3],
  'startedAt', now[4] or ARGV[4])
local lost = ''
if attempt > 0 then
  call('HDEL', RECORD, 'n', 'progress', 'rowCount', 'lost')
  call('DEL', TAG .. ':rows:' .. ID)
  if now[8] ~= now[2] then
    lost = now[9]
    call('HSET', RECORD, 'lost', lost)
  end
end
local event = ARGV[5]
announce(now[5], state == 'new' and 'started' or 'changed', {event}, call('RPUSH', LOG, event))
return {'started', input, lost}
