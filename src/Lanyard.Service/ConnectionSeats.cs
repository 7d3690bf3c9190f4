using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lanyard.Service;

/// <summary>
/// The API's connections. Connections that have not shown the token share a small number of places. When the places are full, a new connection closes the oldest,
/// so idle strangers never keep out a caller with the token.
/// </summary>
internal sealed class ConnectionSeats
{
    /// <summary>The maximum number of connections that have not shown the token.</summary>
    public const int MaxStrangers = 64;

    /// <summary>The maximum number of connections that have shown the token.</summary>
    public const int MaxKnown = 192;

    private readonly Lock _lock = new();

    // Oldest first.
    private readonly LinkedList<ConnectionSeat> _strangers = new();
    private int _known;

    /// <summary>Adds the connection limit to the middleware of an endpoint.</summary>
    public void Supply(ListenOptions listen) => listen.Use(next => connection => HandleAsync(connection, next));

    private async Task HandleAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var seat = new ConnectionSeat(this, connection);
        ConnectionSeat? oldest = null;
        lock (_lock)
        {
            if (_strangers.Count == MaxStrangers)
            {
                oldest = _strangers.First!.Value;
                Leave(oldest);
            }

            seat.Node = _strangers.AddLast(seat);
        }

        oldest?.Connection.Abort(new ConnectionAbortedException("Closed for a newer connection, because this connection has not shown the token."));
        connection.Features.Set(seat);
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
                Leave(seat);
        }
    }

    /// <summary>Moves a connection that has shown the token from the strangers to the known connections.</summary>
    /// <returns>Whether a place was free.</returns>
    public bool TryKnow(ConnectionSeat seat)
    {
        lock (_lock)
        {
            if (seat.IsKnown)
                return true;
            if (seat.Node is null || _known == MaxKnown)
                return false;
            Leave(seat);
            seat.IsKnown = true;
            _known++;
            return true;
        }
    }

    // Runs under the lock.
    private void Leave(ConnectionSeat seat)
    {
        if (seat.Node is { } node)
            _strangers.Remove(node);
        seat.Node = null;
        if (seat.IsKnown)
            _known--;
        seat.IsKnown = false;
    }
}

/// <summary>The place of one API connection. The lock of <see cref="ConnectionSeats"/> guards all changes.</summary>
internal sealed class ConnectionSeat(ConnectionSeats seats, ConnectionContext connection)
{
    public ConnectionContext Connection { get; } = connection;

    /// <summary>The node of the connection in the list of strangers; null once the connection has left the list.</summary>
    public LinkedListNode<ConnectionSeat>? Node { get; set; }

    /// <summary>Whether the connection has shown the token.</summary>
    public bool IsKnown { get; set; }

    /// <summary>Moves the connection from the strangers to the known connections, because it has shown the token.</summary>
    /// <returns>Whether a place was free.</returns>
    public bool TryKnow() => seats.TryKnow(this);
}
