using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// A virtual port with listening sockets: one, or several that share the port (<c>SO_REUSEPORT</c>). Guarded by the lock of <see cref="SocketTable"/>.
/// </summary>
/// <param name="local">The address and port.</param>
/// <param name="owner">The user, and the one network that the port is open on.</param>
/// <param name="backlog">The maximum number of queued connections.</param>
internal sealed class ListenGroup(InetEndpoint local, SocketOwner owner, int backlog) : IDisposable
{
    private readonly List<ProgramSocket> _members = [];
    // A null listener is being opened.
    private readonly Dictionary<LanyardNetwork, LanyardListener?> _listeners = [];
    private bool _isDisposed;
    private int _next;

    public InetEndpoint Local { get; } = local;

    public SocketOwner Owner { get; } = owner;

    public int Backlog { get; } = backlog;

    public int Count => _members.Count;

    public void Add(ProgramSocket member) => _members.Add(member);

    public void Remove(ProgramSocket member) => _members.Remove(member);

    /// <summary>
    /// Starts to open the port on a network. Returns false if the port is already open or being opened there, or if its address does not belong to the network.
    /// </summary>
    public bool TryBegin(LanyardNetwork network)
    {
        var isAnywhere = Local.Address.Family == InetFamily.None || Local.Address.IsUnspecified;
        return !_isDisposed && (isAnywhere || network.Addresses.Any(own => own.Address == Local.Address)) && _listeners.TryAdd(network, null);
    }

    /// <summary>Adds the listener of a network. Returns false if no socket listens anymore; the caller then closes the listener.</summary>
    public bool TryAdd(LanyardNetwork network, LanyardListener listener)
    {
        if (!_isDisposed)
            _listeners[network] = listener;
        return !_isDisposed;
    }

    /// <summary>Removes the listener of a network.</summary>
    public void Forget(LanyardNetwork network) => _listeners.Remove(network);

    /// <summary>Returns the next socket in turn; null if there is none.</summary>
    public ProgramSocket? Next() => _members.Count == 0 ? null : _members[_next++ % _members.Count];

    public void Dispose()
    {
        _isDisposed = true;
        foreach (var listener in _listeners.Values)
            listener?.Dispose();
    }
}
