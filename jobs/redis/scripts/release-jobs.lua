-- Releases jobs after the archive has committed them: all keys of a job expire together, and the
-- lists kept in Redis drop it. Atomic, so that none of a job's keys outlives the others.
-- KEYS records of jobs of one shard, named as in shared.lua
-- ARGV 1 seconds that their keys stay readable
-- Answers the number of jobs released; skips those that are live or gone
local released = 0
for _, record in ipairs(KEYS) do
  local tag, id = string.match(record, '^({.-}):job:(.+)$')
  local now = redis.call('HMGET', record, 'state', 'userId')
  if not now[1] then
    redis.call('ZREM', tag .. ':ended', id)
  elseif now[1] ~= 'new' and now[1] ~= 'running' then
    redis.call('ZREM', tag .. ':ended', id)
    redis.call('ZREM', tag .. ':mine:' .. now[2], id)
    redis.call('EXPIRE', record, ARGV[1])
    redis.call('EXPIRE', tag .. ':log:' .. id, ARGV[1])
    if redis.call('EXPIRE', tag .. ':rows:' .. id, ARGV[1]) == 1 then
      redis.call('EXPIRE', tag .. ':patches:' .. id, ARGV[1])
    end
    released = released + 1
  end
end
return released
