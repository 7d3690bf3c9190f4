using Lanyard.Intercept.Linux;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// Maps loopback alias addresses to the near ends of programs' sockets, the far ends of connections and datagrams, and host names that have only IPv6
/// addresses. Guarded by the lock of <see cref="SocketTable"/>, except for reads of <see cref="Datagrams"/>.
/// </summary>
internal sealed class AddressMap
{
    private readonly LoopbackAliases _aliases = new();
    private readonly Dictionary<InetAddress, ConnectionNames> _connections = [];

    public AddressMap()
    {
        Datagrams = new DatagramFars(_aliases);
        Names = new NameAliases(_aliases);
    }

    /// <summary>The far ends of datagrams.</summary>
    public DatagramFars Datagrams { get; }

    /// <summary>The aliases of host names.</summary>
    public NameAliases Names { get; }

    /// <summary>The number of open and pending connections.</summary>
    public int ConnectionCount => _connections.Count;

    /// <summary>Reserves a free address and port for a program's socket.</summary>
    public bool TryTakeNear(out InetEndpoint near) => _aliases.TryTakeNear(out near);

    /// <summary>Chooses another port for programs' sockets, because a program of this machine has the current one.</summary>
    public void ChangeNearPort() => _aliases.ChangeNearPort();

    /// <summary>Reserves the address that a program's socket already has. Returns false if another socket has it.</summary>
    public bool TryTakeNear(InetAddress near) => _aliases.TryTake(near);

    /// <summary>Releases the address of a program's socket.</summary>
    public void ReleaseNear(InetAddress near) => _aliases.Release(near);

    /// <summary>Reserves a free address for the far end of a connection, and records what both ends represent.</summary>
    public bool TryAdd(ConnectionNames names, out InetAddress far)
    {
        if (!_aliases.TryTakeFar(out far))
            return false;
        _connections.Add(far, names);
        return true;
    }

    /// <summary>Changes what the ends of a connection represent.</summary>
    /// <param name="far">The alias address of the far end.</param>
    /// <param name="names">The addresses that both ends represent from now on.</param>
    public void Change(InetAddress far, ConnectionNames names) => _connections[far] = names;

    /// <summary>Records this node's source address of a connection.</summary>
    public void ChangeLocal(InetAddress far, InetEndpoint local) => _connections[far] = _connections[far] with { Local = local };

    /// <summary>Removes a connection and releases its address.</summary>
    public void Remove(InetAddress far)
    {
        if (_connections.Remove(far))
            _aliases.Release(far);
    }

    /// <summary>
    /// Finds a connection that this service opened, by both endpoints of its loopback connection. No other process has a connection with the same far endpoint. Returns
    /// null for a connection of another process.
    /// </summary>
    public ConnectionNames? Find(SocketDescriptor descriptor, InetEndpoint far) =>
        _connections.TryGetValue(far.Address, out var names) && names.FarPort != 0 && names.FarPort == far.Port && descriptor.TryGetNear(out var near) && near == names.Near
            ? names : null;
}
