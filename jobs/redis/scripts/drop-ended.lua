-- Drops jobs that this Redis has although they have ended: it came back older than the archive. The
-- first ending wins, so the copy here must neither run nor be shown. A worker that takes an entry
-- whose job is gone drops it. Atomic, so that no lock is left without a job.
-- KEYS records of jobs of one shard, named as in shared.lua
-- ARGV 1 epoch of a message that carries no event
for _, record in ipairs(KEYS) do
  local tag, id = string.match(record, '^({.-}):job:(.+)$')
  local job = redis.call('HMGET', record, 'userId', 'search')
  redis.call('ZREM', tag .. ':live', id)
  redis.call('ZREM', tag .. ':ended', id)
  if job[1] then
    local lock = tag .. ':lock:' .. job[1] .. ':' .. job[2]
    if redis.call('GET', lock) == id then redis.call('DEL', lock) end
    redis.call('ZREM', tag .. ':mine:' .. job[1], id)
    redis.call('DEL', record, tag .. ':log:' .. id, tag .. ':rows:' .. id, tag .. ':patches:' .. id)
    redis.call('HINCRBY', tag .. ':versions', job[1], 1)
    redis.call('PUBLISH', tag .. ':mine:' .. job[1], '0|' .. ARGV[1] .. '|reread\n' .. id)
    redis.call('PUBLISH', tag .. ':log:' .. id, '0|' .. ARGV[1] .. '|state||{}')
    redis.call('PUBLISH', tag .. ':control', id)
  end
end
