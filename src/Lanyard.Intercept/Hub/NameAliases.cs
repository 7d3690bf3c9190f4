using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// Loopback alias addresses for host names that have only IPv6 addresses. They serve programs that resolve only IPv4 (<c>gethostbyname</c>) as destinations to connect
/// and send to. All members run under the lock of <see cref="SocketTable"/>.
/// </summary>
internal sealed class NameAliases(LoopbackAliases loopback)
{
    // A program may keep an address for its whole life. Beyond the limit, the alias that was resolved longest ago makes room.
    private const int MaxOfUser = 4_096;

    private readonly Dictionary<(uint User, InetAddress Address), LinkedListNode<Alias>> _byAddress = [];
    private readonly Dictionary<InetAddress, LinkedListNode<Alias>> _byAlias = [];
    private readonly Dictionary<uint, LinkedList<Alias>> _ofUser = [];

    /// <summary>Finds or creates the alias of an address; returns none if no alias is free.</summary>
    public InetAddress Take(uint user, InetAddress address)
    {
        if (!_ofUser.TryGetValue(user, out var aliases))
            _ofUser.Add(user, aliases = new LinkedList<Alias>());
        if (_byAddress.TryGetValue((user, address), out var known))
        {
            aliases.Remove(known);
            aliases.AddLast(known);
            return known.Value.Address;
        }

        if (aliases.Count >= MaxOfUser)
            Forget(aliases, aliases.First!);
        if (!loopback.TryTakeFar(out var alias))
            return default;
        var node = aliases.AddLast(new Alias(user, address, alias));
        _byAddress.Add((user, address), node);
        _byAlias.Add(alias, node);
        return alias;
    }

    /// <summary>Returns the target of an alias of the user, or the address itself if it is no alias.</summary>
    public InetAddress Resolve(uint user, InetAddress address) =>
        LoopbackAliases.IsFar(address) && _byAlias.TryGetValue(address, out var alias) && alias.Value.User == user ? alias.Value.Target : address;

    private void Forget(LinkedList<Alias> aliases, LinkedListNode<Alias> alias)
    {
        aliases.Remove(alias);
        _byAddress.Remove((alias.Value.User, alias.Value.Target));
        _byAlias.Remove(alias.Value.Address);
        loopback.Release(alias.Value.Address);
    }

    private sealed record Alias(uint User, InetAddress Target, InetAddress Address);
}
