-- Rotate a refresh token.  Arguments from first on: position, digest, next digest, salt, grace_ms, extends_ms or ""
local is_rolled_back = false
local function rotate(first)
  if not session.h or now >= number('expires') then
    return 'gone'
  end
  local position, digest = tonumber(argument(first)), argument(first + 1)
  local is_in_grace = now < number('grace')
  if position > number('n') then
    -- Its tag is valid, so a later state of the data issued it.
    is_rolled_back = true
    begin_lost_epoch('refresh', 0)
    return 'gone'
  end
  if position == number('n') and digest == session.h then
    local extends = argument(first + 5)
    if extends ~= '' then
      local ends = math.min(now + tonumber(extends), number('ends'))
      if now < number('begun') + math.floor((number('expires') - number('begun')) / 2) then
        return 'early'
      end
      put('begun', now)
      put('expires', math.max(ends, number('expires')))
    end
    put('n', position + 1)
    put('ph', digest)
    put('h', argument(first + 2))
    put('salt', argument(first + 3))
    put('grace', now + tonumber(argument(first + 4)))
    return 'rotated'
  end
  if position == number('n') - 1 and digest == session.ph and is_in_grace then
    return 'retry'
  end
  if position < number('n') and is_in_grace then
    return 'stale'
  end
  drop(0)
  return 'reuse'
end
