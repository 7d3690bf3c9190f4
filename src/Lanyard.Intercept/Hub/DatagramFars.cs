using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>The remote endpoint that a loopback alias address represents for a user's datagrams.</summary>
/// <param name="User">The user ID of the program.</param>
/// <param name="Remote">The remote endpoint.</param>
/// <param name="Local">This node's source address of sent datagrams, or the destination address or group of received datagrams; none if only one is possible.</param>
/// <param name="IsOutside">Whether the remote endpoint is on the system's network.</param>
internal readonly record struct FarKey(uint User, InetEndpoint Remote, InetAddress Local = default, bool IsOutside = false);

/// <summary>A remote endpoint of datagrams, with its loopback alias address.</summary>
internal sealed class DatagramFar(FarKey key, InetAddress address)
{
    private long _usedAt = Environment.TickCount64;

    public FarKey Key { get; } = key;

    /// <summary>The loopback alias address.</summary>
    public InetAddress Address { get; } = address;

    public FoundNetwork? Found { get; set; }

    /// <summary>The time of the last datagram in either direction, in milliseconds of <see cref="Environment.TickCount64"/>.</summary>
    public long UsedAt
    {
        get => Volatile.Read(ref _usedAt);
        set => Volatile.Write(ref _usedAt, value);
    }
}

/// <summary>The network of a destination, for programs that use one network (<c>Only</c>) or all (0). Immutable; replaced as a whole.</summary>
internal sealed record FoundNetwork(ulong Only, LanyardNetwork? Network, long At);

/// <summary>The remote endpoints of programs' datagrams. Reads need no lock; writes run under the lock of <see cref="SocketTable"/>.</summary>
internal sealed class DatagramFars(LoopbackAliases aliases)
{
    private const int MaxOfUser = 65_536;

    private readonly ConcurrentDictionary<InetAddress, DatagramFar> _byAddress = new();
    private readonly ConcurrentDictionary<FarKey, DatagramFar> _byKey = new();
    private readonly Dictionary<uint, int> _countOfUser = [];

    public bool TryFind(InetAddress address, [NotNullWhen(true)] out DatagramFar? far) => _byAddress.TryGetValue(address, out far);

    public bool TryFind(FarKey key, [NotNullWhen(true)] out DatagramFar? far) => _byKey.TryGetValue(key, out far);

    /// <summary>Finds or creates a remote endpoint; returns null if the user has too many. Runs under the lock of <see cref="SocketTable"/>.</summary>
    public DatagramFar? Take(FarKey key)
    {
        if (_byKey.TryGetValue(key, out var far))
        {
            far.UsedAt = Environment.TickCount64;
            return far;
        }

        return _countOfUser.GetValueOrDefault(key.User) < MaxOfUser && aliases.TryTakeFar(out var address) ? Add(key, address) : null;
    }

    /// <summary>Restores a remote endpoint that a previous service process created. Runs under the lock of <see cref="SocketTable"/>.</summary>
    public void Restore(FarKey key, InetAddress address)
    {
        if (LoopbackAliases.IsFar(address) && !_byKey.ContainsKey(key) && aliases.TryTake(address))
            Add(key, address);
    }

    /// <summary>Removes idle remote endpoints, except those of connected sockets. Runs under the lock of <see cref="SocketTable"/>.</summary>
    /// <param name="before">The time of last use before which an endpoint is idle, in milliseconds of <see cref="Environment.TickCount64"/>.</param>
    /// <param name="connected">The loopback alias addresses that sockets are connected to.</param>
    public void Sweep(long before, HashSet<InetAddress> connected)
    {
        foreach (var far in _byKey.Values.Where(far => far.UsedAt < before && !connected.Contains(far.Address)).ToArray())
        {
            _byKey.TryRemove(far.Key, out _);
            _byAddress.TryRemove(far.Address, out _);
            aliases.Release(far.Address);
            if (--CollectionsMarshal.GetValueRefOrAddDefault(_countOfUser, far.Key.User, out _) <= 0)
                _countOfUser.Remove(far.Key.User);
        }
    }

    private DatagramFar Add(FarKey key, InetAddress address)
    {
        CollectionsMarshal.GetValueRefOrAddDefault(_countOfUser, key.User, out _)++;
        var far = new DatagramFar(key, address);
        _byKey[key] = far;
        _byAddress[address] = far;
        return far;
    }
}
