using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

// Connections that programs open.
internal sealed partial class InterceptHub
{
    // How long a program that was told where to connect may take to do so.
    private const long MeetingMs = 10_000;

    private async ValueTask<InterceptReply> ConnectAsync(
        InterceptRequest request, InetEndpoint remote, InetEndpoint near, uint user, CancellationToken gaveUp)
    {
        if (_networks.FindFor(remote.Address, user, request.Network) is not { } network)
            return InterceptReply.Host;
        ProgramSocket? socket;
        ConnectAttempt attempt;
        var isNew = near.IsNone;
        lock (_lock)
        {
            if (near.IsNone || !_near.TryGetValue((request.Type, near), out socket) || socket.User != user)
                socket = Make(request, default, user, near);
            if (socket is null)
                return InterceptReply.Failed(Errno.NoBufferSpace);
            if (socket.Attempt is { IsOver: false } pending)
                return InterceptReply.Of(default, pending.Far);
            attempt = new ConnectAttempt(new InetEndpoint(_standIns.TakeFar(), _sockets.SilentPort));
            socket.Attempt = attempt;
            _far.Add(attempt.Far.Address, new ConnectionNames(user, socket.Local, remote));
        }

        var reply = InterceptReply.Of(isNew ? socket.Near : default, attempt.Far);
        var connecting = OpenAsync(network, socket, attempt, remote, gaveUp: (request.Flags & InterceptFlags.NonBlocking) != 0 ? default : gaveUp);
        if ((request.Flags & InterceptFlags.NonBlocking) != 0)
        {
            _ = MeetAsync(connecting, socket, attempt);
            return reply;
        }

        var (stream, error) = await connecting.ConfigureAwait(false);
        if (stream is not null)
        {
            _ = MeetAsync(connecting, socket, attempt);
            return reply;
        }

        EndAttempt(attempt, error);
        if (isNew)
        {
            lock (_lock)
                Forget(socket);
        }

        return InterceptReply.Failed(error);
    }

    private InterceptReply Outcome(in InterceptRequest request, InetEndpoint near, uint user)
    {
        lock (_lock)
        {
            return _near.TryGetValue((request.Type, near), out var socket) && socket.User == user && socket.Attempt is { IsOver: true } attempt
                ? InterceptReply.Failed(attempt.Error) : InterceptReply.Host;
        }
    }

    private async Task<(LanyardStream? Stream, int Error)> OpenAsync(
        LanyardNetwork network, ProgramSocket socket, ConnectAttempt attempt, InetEndpoint remote, CancellationToken gaveUp)
    {
        try
        {
            var stream = await network.ConnectAsync(socket.Local, remote, cancellationToken: gaveUp).ConfigureAwait(false);
            lock (_lock)
                _far[attempt.Far.Address] = new ConnectionNames(socket.User, InetEndpoint.FromIPEndPoint(stream.LocalEndPoint), remote);
            return (stream, 0);
        }
        catch (Exception e) when (e is LanyardException or OperationCanceledException)
        {
            return (null, Errno.Of(e));
        }
    }

    // Meets the program's connection, which waits at the silent port, with the virtual one, or with a reset.
    private async Task MeetAsync(Task<(LanyardStream? Stream, int Error)> connecting, ProgramSocket socket, ConnectAttempt attempt)
    {
        var (stream, error) = await connecting.ConfigureAwait(false);
        lock (_lock)
        {
            attempt.Error = error;
            attempt.IsOver = true;
        }

        var program = await ReachAsync(socket.Near, attempt.Far).ConfigureAwait(false);
        if (program is not null && stream is not null)
        {
            await StreamPump.RunAsync(program, stream).ConfigureAwait(false);
        }
        else if (program is not null)
        {
            // Closing it resets it: the program learns the reason from the outcome.
            program.Dispose();
        }
        else if (stream is not null)
        {
            stream.Abort();
            await stream.DisposeAsync().ConfigureAwait(false);
        }

        EndAttempt(attempt, error);
    }

    // The program is told where to connect before it does, so it may take a moment until somebody is there.
    private static async Task<Socket?> ReachAsync(InetEndpoint near, InetEndpoint far)
    {
        var deadline = Environment.TickCount64 + MeetingMs;
        for (var pause = TimeSpan.FromMicroseconds(100); ; pause *= 1.5)
        {
            Socket? socket = null;
            try
            {
                socket = LoopbackSockets.Bound(far.Address, far.Port);
                await socket.ConnectAsync(near.ToIPEndPoint()).ConfigureAwait(false);
                return socket;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused && Environment.TickCount64 < deadline)
            {
                socket?.Dispose();
                await Task.Delay(pause).ConfigureAwait(false);
            }
            catch (SocketException)
            {
                socket?.Dispose();
                return null;
            }
        }
    }

    private void EndAttempt(ConnectAttempt attempt, int error)
    {
        lock (_lock)
        {
            attempt.Error = error;
            attempt.IsOver = true;
            Release(attempt.Far.Address);
        }
    }

    // Under the lock.
    private void Release(InetAddress far)
    {
        if (_far.Remove(far))
            _standIns.Release(far);
    }
}
