using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

/// <summary>A virtual port where programs listen: usually one socket, several where they share it (<c>SO_REUSEPORT</c>). Under the hub's lock.</summary>
/// <param name="local">The address and port.</param>
/// <param name="user">Whose it is.</param>
/// <param name="network">The one network that it is open on; 0 for all.</param>
/// <param name="backlog">How many connections wait to be accepted, at most.</param>
internal sealed class ListenGroup(InetEndpoint local, uint user, ulong network, int backlog) : IDisposable
{
    private readonly List<ProgramSocket> _members = [];
    private readonly Dictionary<LanyardNetwork, LanyardListener> _listeners = [];
    private bool _isDisposed;
    private int _next;

    public InetEndpoint Local { get; } = local;

    public uint User { get; } = user;

    public ulong Network { get; } = network;

    public int Backlog { get; } = backlog;

    public int Count => _members.Count;

    public void Add(ProgramSocket member) => _members.Add(member);

    public void Remove(ProgramSocket member) => _members.Remove(member);

    /// <summary>Opens the port on a network. Null where it is open there already, or is not for it.</summary>
    /// <exception cref="LanyardException">It cannot be.</exception>
    public LanyardListener? Open(LanyardNetwork network)
    {
        var isAnywhere = Local.Address.Family == InetFamily.None || Local.Address.IsUnspecified;
        if (_isDisposed || _listeners.ContainsKey(network) || (!isAnywhere && network.Addresses.All(own => own.Address != Local.Address)))
            return null;
        var listener = network.Listen(Local, Backlog);
        _listeners.Add(network, listener);
        return listener;
    }

    /// <summary>The port is not open there any more.</summary>
    public void Forget(LanyardListener listener)
    {
        foreach (var (network, open) in _listeners)
        {
            if (open == listener)
            {
                _listeners.Remove(network);
                return;
            }
        }
    }

    /// <summary>The socket whose turn it is; null where there is none any more.</summary>
    public ProgramSocket? Next() => _members.Count == 0 ? null : _members[_next++ % _members.Count];

    public void Dispose()
    {
        _isDisposed = true;
        foreach (var listener in _listeners.Values)
            listener.Dispose();
    }
}
