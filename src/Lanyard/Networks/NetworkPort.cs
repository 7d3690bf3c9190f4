using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// The SDK's side of a node's port on a network: its users, captures, settings and snapshots, around the <see cref="VirtualPort"/>. Under the gate, except for
/// <see cref="Snapshot"/> and <see cref="Changed"/>.
/// </summary>
internal sealed class NetworkPort : IVirtualPortHost
{
    private const int SecretBytes = 16;

    private readonly VirtualPort _port;
    private readonly HashSet<IPortUser> _users = [];
    private volatile NetworkSnapshot _snapshot;

    // Null while there is no capture.
    private LanyardCapture[]? _captures;

    public NetworkPort(NodeRuntime runtime, LanyardNetwork owner, VirtualNetwork engine, LanyardNetworkSettings settings)
    {
        Runtime = runtime;
        Owner = owner;
        Settings = settings;
        _port = new VirtualPort(runtime.Engine, engine, this, HostOptions(runtime.Options, engine.Mac));
        _snapshot = new NetworkSnapshot(engine.Status, engine.Config, [], [], Dns: null, settings.AllowManagedNetworks, _port.Stack.Mtu, IsLeft: false);
        Echo = new EchoHub(this);
    }

    public NodeRuntime Runtime { get; }

    public LanyardNetwork Owner { get; }

    public VirtualNetwork Engine => _port.Network;

    public NetworkHost Host => _port.Stack;

    public EchoHub Echo { get; }

    public LanyardNetworkSettings Settings { get; private set; }

    /// <summary>Whether the engine changed the network since <see cref="ApplyChanges"/>.</summary>
    public bool HasChanged { get; set; }

    /// <summary>Whether the network was left, or the node ended.</summary>
    public bool IsLeft { get; private set; }

    /// <summary>The network as readers see it.</summary>
    public NetworkSnapshot Snapshot => _snapshot;

    /// <summary>Raised when there is a new <see cref="Snapshot"/>.</summary>
    public Signal Changed { get; } = new();

    public long NextDeadline => Host.NextDeadline;

    /// <summary>The port without I/O.</summary>
    public VirtualPort Virtual => _port;

    /// <summary>Registers a user of the port. At shutdown the node waits until the user has finished. The port notifies the user when it ends.</summary>
    public void AddUser(IPortUser user) => _users.Add(user);

    public void RemoveUser(IPortUser user) => _users.Remove(user);

    /// <summary>Records every frame with a capture from now on.</summary>
    public void AddCapture(LanyardCapture capture)
    {
        _captures = [.. _captures ?? [], capture];
        _port.IsObserved = true;
    }

    /// <summary>Stops a capture.</summary>
    public void RemoveCapture(LanyardCapture capture)
    {
        LanyardCapture[] left = [.. (_captures ?? []).Where(other => other != capture)];
        _captures = left.Length == 0 ? null : left;
        _port.IsObserved = _captures is not null;
    }

    /// <summary>Whether disposed streams have bytes left to send.</summary>
    public bool IsFinishing => _users.Any(user => user.IsFinishing);

    /// <summary>Finds the node address in an IPv6 address of the network.</summary>
    public bool TryFindNode(InetAddress address, out NodeAddress node) => _port.Members.TryFindNode(address, out node);

    /// <summary>Finds the IPv6 address that contains a node address.</summary>
    public bool TryFindAddress(NodeAddress node, out InetAddress address) =>
        _port.Members.TryFindAddress(node, _snapshot.Addresses, out address);

    /// <summary>
    /// Returns the length of the longest prefix, among the addresses and routes in use, that contains a destination. Returns a negative number if there is none, or if
    /// the host reaches the destination without the network: on this host itself or, with <paramref name="prefersOwnLan"/>, on its own LAN or by a host route that is at
    /// least as specific, unless the user named the range. No lock is needed.
    /// </summary>
    public int PrefixBitsTo(InetAddress destination, bool prefersOwnLan)
    {
        var longest = -1;
        if (destination.IsLoopback || destination.IsUnspecified)
            return longest;
        var snapshot = _snapshot;
        foreach (var own in snapshot.Addresses)
            Consider(own);
        foreach (var route in snapshot.Routes)
            Consider(route.Target);
        return longest;

        void Consider(InetPrefix range)
        {
            if (range.Bits > longest && range.Contains(destination)
                && (!prefersOwnLan || snapshot.IsNamed(range) || !Runtime.IsNearerThan(range, destination, Engine.Id)))
                longest = range.Bits;
        }
    }

    /// <summary>Returns the node that an Ethernet address belongs to; none if the address is the default or lies behind a bridge.</summary>
    public NodeAddress FindNode(MacAddress mac) => DerivedAddresses.NodeOf(Engine.Id, mac);

    public void UseSettings(LanyardNetworkSettings settings)
    {
        Settings = settings;
        HasChanged = true;
        ApplyChanges();
    }

    /// <summary>Applies the network's configuration, and publishes a new <see cref="Snapshot"/>.</summary>
    public void ApplyChanges()
    {
        if (!HasChanged || IsLeft)
            return;
        HasChanged = false;
        _port.Apply(Settings);
        Publish(new NetworkSnapshot(Engine.Status, Engine.Config, Host.Addresses.ToArray(), _port.Routes, _port.Dns, Settings.AllowManagedNetworks, Host.Mtu, IsLeft: false));
    }

    /// <summary>Closes all connections and sockets of the port.</summary>
    public void Shutdown()
    {
        if (IsLeft)
            return;
        IsLeft = true;
        _port.EndBatch();
        Host.Shutdown(Runtime.NowMicroseconds);
        foreach (var user in _users.ToArray())
            user.OnPortLeft();
        _users.Clear();
        Echo.OnPortLeft();
        foreach (var capture in _captures ?? [])
            capture.End();
        Publish(_snapshot with { IsLeft = true });
    }

    long IVirtualPortHost.NowMs => Runtime.NowMs;

    long IVirtualPortHost.NowMicroseconds => Runtime.NowMicroseconds;

    bool IVirtualPortHost.IsBacklogged => Runtime.IsBacklogged;

    byte[] IVirtualPortHost.TakeRoom(int bytes, out int offset, out object? room)
    {
        var batch = Runtime.TakeRoom(bytes, out offset);
        room = batch;
        return batch.Bytes;
    }

    void IVirtualPortHost.OnFrame(bool isOutbound, in EthernetFrame frame)
    {
        foreach (var capture in _captures!)
            capture.Record(isOutbound, frame.Source, frame.Destination, frame.EtherType, frame.Payload);
    }

    void IVirtualPortHost.OnMtuChanged(int oldMtu, int newMtu)
    {
        var id = Engine.Id;
        Runtime.Events.Log(logger => Log.MtuChanged(logger, id, oldMtu, newMtu));
    }

    void IVirtualPortHost.OnAssignmentRefused(InetPrefix assigned, string reason)
    {
        var id = Engine.Id;
        Runtime.Events.Log(logger => Log.AssignmentNotTaken(logger, id, assigned, reason));
    }

    void IVirtualPortHost.OnDnsRefused(string domain, string reason)
    {
        var id = Engine.Id;
        Runtime.Events.Log(logger => Log.DnsNotTaken(logger, id, domain, reason));
    }

    void IVirtualPortHost.OnAddressConflict(AddressConflict conflict)
    {
        var id = Engine.Id;
        if (conflict.IsLost)
            Runtime.Events.Log(logger => Log.AddressLost(logger, id, conflict.Address, conflict.Other));
        else
            Runtime.Events.Log(logger => Log.AddressContested(logger, id, conflict.Address, conflict.Other));
        Owner.RaiseConflict(conflict);
        // The remaining addresses are published when the gate is left.
        if (conflict.IsLost)
            Runtime.Ports.NoteChanged(Engine);
    }

    private static NetworkHostOptions HostOptions(LanyardOptions options, MacAddress mac)
    {
        var secret = new byte[SecretBytes];
        options.RandomNumberGenerator.GetBytes(secret);
        return new NetworkHostOptions { Mac = mac, Secret = secret, AnswerEcho = options.AnswerPing, Limits = options.NetworkLimits, Tcp = options.Tcp };
    }

    private void Publish(NetworkSnapshot snapshot)
    {
        var isNews = !snapshot.SaysTheSameAs(_snapshot);
        _snapshot = snapshot;
        Changed.Raise();
        if (!isNews)
            return;
        var id = Engine.Id;
        Runtime.Events.Log(logger => Log.NetworkChanged(logger, id, snapshot.Status, string.Join(", ", snapshot.Addresses)));
        Owner.RaiseChanged(snapshot.Status);
    }
}

/// <summary>Something open on a <see cref="NetworkPort"/>. Called under the gate.</summary>
internal interface IPortUser
{
    /// <summary>Whether it is closed, but not all of it has reached the other end.</summary>
    bool IsFinishing { get; }

    /// <summary>The port's network was left, or the node ended.</summary>
    void OnPortLeft();
}
