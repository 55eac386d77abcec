-- Own arguments: lifetime_ms, access_ms, idle_ms or "", how many sessions the owner may have, names and values of the
-- record
if session.issued then
  -- The command came twice.
  return told('opened', number('issued'))
end

-- The records of the owner's other sessions lie on this slot, beside this one.
local beside = string.sub(key, 1, #key - #id)
local function standing_others()
  local common, others = -1, {}
  for i = 9, own do
    common = math.max(common, tonumber(redis.call('ZSCORE', cut, ARGV[i]) or -1))
  end
  for _, name in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local known = redis.call('HMGET', beside .. name, 'issued', 'ends', 'member', 'h', 'used')
    local issued, before = tonumber(known[1] or -1), common
    if known[3] then
      before = math.max(before, tonumber(redis.call('ZSCORE', cut, known[3]) or -1))
    end
    if issued <= before or is_unknown(issued) or now >= tonumber(known[2]) then
      redis.call('DEL', beside .. name)
      redis.call('ZREM', index, name)
    else
      others[#others + 1] = {name = name, member = known[3], rank = known[4] and 1 or 0, used = tonumber(known[5])}
    end
  end
  return others
end

-- One more than the owner may have ends another: without a long-term credential before with one, the longest idle first.
local function make_room(most)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', int(now))
  local ended = {}
  if redis.call('ZCARD', index) < most then
    return ended
  end
  local others = standing_others()
  table.sort(others, function(one, other)
    if one.rank ~= other.rank then
      return one.rank < other.rank
    elseif one.used ~= other.used then
      return one.used < other.used
    end
    return one.name < other.name
  end)
  for i = 1, #others - most + 1 do
    -- Its tokens end by themselves within the longest life of any.
    cut_off(others[i].member, now + horizon, ARGV[5], ARGV[6])
    redis.call('DEL', beside .. others[i].name)
    redis.call('ZREM', index, others[i].name)
    ended[i] = others[i].name
  end
  return ended
end

local iat, idle = stamp(), argument(3)
put('member', ARGV[8])
put('created', iat)
put('auth', iat)
put('ends', iat + tonumber(argument(1)))
if idle ~= '' then
  put('begun', iat)
  put('expires', math.min(iat + tonumber(idle), number('ends')))
end
for i = own + 5, #ARGV, 2 do
  put(ARGV[i], ARGV[i + 1])
end
issue(iat, tonumber(argument(2)))
local ended = make_room(tonumber(argument(4)))
keep()
local said = told('opened', iat)
said[11] = ended
return said
