-- Takes or ends the turn at a host: one request at a time over all workers, and a pause behind each. The key says which of both is going on, and
-- goes by itself when the pause is over, or the lease of a worker that was killed. Atomic, so that of several who find the host free one has it.
-- KEYS 1 the host: 'pause', or the pause that will follow and the token of whoever has the turn
-- ARGV 1 'take' or 'end', 2 token, 3 pause behind this turn in ms, 4 longest turn in ms ('take')
-- Answers nothing when it is taken or ended; to whoever is refused, in how many ms it can be free at the earliest
local held = redis.call('GET', KEYS[1])
local mine = held and held:match('^%d+:(.*)$') == ARGV[2]
if ARGV[1] == 'end' then
  if not mine then return nil end -- It has run out.
  if tonumber(ARGV[3]) > 0 then redis.call('SET', KEYS[1], 'pause', 'PX', ARGV[3]) else redis.call('DEL', KEYS[1]) end
  return nil
end
if held == 'pause' then return redis.call('PTTL', KEYS[1]) end
if held and not mine then return tonumber(held:match('^%d+')) end
redis.call('SET', KEYS[1], ARGV[3] .. ':' .. ARGV[2], 'PX', ARGV[4])
return nil
