-- Own arguments: lifetime_ms, access_ms, idle_ms or "", how many sessions the owner may have, names and values of the
-- session's fields
if session.issued then
  -- The command was sent twice.
  return session_reply('opened', number('issued'))
end

-- The owner's other sessions are on this slot too.
local key_prefix = string.sub(key, 1, #key - #id)
local function living_others()
  local shared, others = -1, {}
  for i = 10, before_own do
    shared = math.max(shared, tonumber(redis.call('ZSCORE', cut, ARGV[i]) or -1))
  end
  for _, name in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local known = redis.call('HMGET', key_prefix .. name, 'issued', 'ends', 'member', 'h', 'used')
    local issued, before = tonumber(known[1] or -1), shared
    if known[3] then
      before = math.max(before, tonumber(redis.call('ZSCORE', cut, known[3]) or -1))
    end
    if issued <= before or is_unknown(issued) or now >= tonumber(known[2]) then
      redis.call('DEL', key_prefix .. name)
      redis.call('ZREM', index, name)
    else
      others[#others + 1] = {name = name, key = known[3], rank = known[4] and 1 or 0, used = tonumber(known[5])}
    end
  end
  return others
end

-- If the owner has too many sessions, end some: those without a refresh token first, and the longest idle first.
local function end_surplus(most)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', int(now))
  local ended = {}
  if redis.call('ZCARD', index) < most then
    return ended
  end
  local others = living_others()
  table.sort(others, function(one, other)
    if one.rank ~= other.rank then
      return one.rank < other.rank
    elseif one.used ~= other.used then
      return one.used < other.used
    end
    return one.name < other.name
  end)
  for i = 1, #others - most + 1 do
    -- Its tokens expire within the longest lifetime of any token.
    cut_off(others[i].key, now + horizon, ARGV[5], ARGV[6])
    redis.call('DEL', key_prefix .. others[i].name)
    redis.call('ZREM', index, others[i].name)
    ended[i] = others[i].name
  end
  return ended
end

local iat, idle = issue_time(), argument(3)
put('member', ARGV[9])
put('created', iat)
put('auth', iat)
put('ends', iat + tonumber(argument(1)))
if idle ~= '' then
  put('begun', iat)
  put('expires', math.min(iat + tonumber(idle), number('ends')))
end
for i = before_own + 5, #ARGV, 2 do
  put(ARGV[i], ARGV[i + 1])
end
issue(iat, tonumber(argument(2)))
local ended = end_surplus(tonumber(argument(4)))
keep()
local result = session_reply('opened', iat)
result[11] = ended
return result
