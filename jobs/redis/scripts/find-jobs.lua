-- Finds jobs that fit a filter in one slice of a sorted set, so that no call takes long. The next
-- slice continues at a score, not at a rank: members that leave the set meanwhile hide no others.
-- KEYS 1 sorted set of ids: live or mine (scores are creations), or ended (other scores)
-- ARGV 1 prefix of records, 2 type of search and 3 state ('' = any), 4 creation (ms, '' = none) and
--      5 id of the job before which they come in lists, 6 'newest' = highest scores first, else
--      lowest first, 7 score to continue at, 8 number of members to skip there, 9 members to look at
-- Answers {members looked at, last score, members with that score, id, creation (ms), id, …}
local search, state = ARGV[2], ARGV[3]
local before, before_id = tonumber(ARGV[4]), ARGV[5]
local slice
if ARGV[6] == 'newest' then
  slice = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[7], '-inf', 'WITHSCORES', 'LIMIT', ARGV[8],
    ARGV[9])
else
  slice = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[7], '+inf', 'WITHSCORES', 'LIMIT', ARGV[8],
    ARGV[9])
end
local last = slice[#slice] or ''
local found, at_last = {}, 0
for i = 1, #slice, 2 do
  local id = slice[i]
  if slice[i + 1] == last then at_last = at_last + 1 end
  local job = redis.call('HMGET', ARGV[1] .. id, 'search', 'state', 'createdAt')
  local created_at = tonumber(job[3])
  if created_at and (search == '' or job[1] == search) and (state == '' or job[2] == state)
    and (not before or created_at < before or (created_at == before and id < before_id)) then
    found[#found + 1] = id
    found[#found + 1] = job[3]
  end
end
return {#slice / 2, last, at_last, unpack(found)}
