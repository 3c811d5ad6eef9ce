-- Takes or ends the lease of a host: one request at a time over all workers, followed by a pause.
-- The key holds either the lease or the pause, and expires when the pause is over, or with the
-- lease of a worker that was killed. Atomic, so that only one of several callers gets a free host.
-- KEYS 1 the host: 'pause', or `<pause in ms that will follow>:<token of the lease's holder>`
-- ARGV 1 'take' or 'end', 2 token, 3 pause in ms after this lease, 4 length of the lease in ms
--      ('take' only)
-- Answers nil if it is taken or ended; if it is refused, the ms until the host may be free
local held = redis.call('GET', KEYS[1])
local is_holder = held and held:match('^%d+:(.*)$') == ARGV[2]
if ARGV[1] == 'end' then
  if not is_holder then return nil end -- It has expired.
  if tonumber(ARGV[3]) > 0 then
    redis.call('SET', KEYS[1], 'pause', 'PX', ARGV[3])
  else
    redis.call('DEL', KEYS[1])
  end
  return nil
end
if held == 'pause' then return redis.call('PTTL', KEYS[1]) end
if held and not is_holder then return tonumber(held:match('^%d+')) end
redis.call('SET', KEYS[1], ARGV[3] .. ':' .. ARGV[2], 'PX', ARGV[4])
return nil
