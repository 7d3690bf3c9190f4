using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

/// <summary>A virtual port where programs listen: usually one socket, several where they share it (<c>SO_REUSEPORT</c>).</summary>
/// <param name="local">The address and port.</param>
/// <param name="backlog">How many connections wait to be accepted, at most.</param>
internal sealed class ListenGroup(InetEndpoint local, int backlog) : IDisposable
{
    private readonly List<ProgramSocket> _members = [];
    private readonly List<LanyardListener> _listeners = [];
    private int _next;

    public InetEndpoint Local { get; } = local;

    public int Backlog { get; } = backlog;

    public int Count => _members.Count;

    public void Add(ProgramSocket member) => _members.Add(member);

    public void Remove(ProgramSocket member) => _members.Remove(member);

    public void Add(LanyardListener listener) => _listeners.Add(listener);

    /// <summary>The socket whose turn it is; null where there is none any more.</summary>
    public ProgramSocket? Next() => _members.Count == 0 ? null : _members[_next++ % _members.Count];

    public void Dispose()
    {
        foreach (var listener in _listeners)
            listener.Dispose();
    }
}
