using Lanyard.Primitives;
using Lanyard.Service.Intercept;

namespace Lanyard.Cli.Run;

/// <summary>The calls of TCP sockets, and of any socket where they do not differ: what <c>intercept/sockets.c</c> does inside a program.</summary>
internal sealed class StreamCalls(InterceptClient client, SuperviseOptions options, DatagramCalls datagrams)
{
    private const int SocketErrorBytes = sizeof(int);

    public async ValueTask<CallAnswer> ConnectAsync(SupervisedCall call)
    {
        if (!call.TryReadName(call.Arguments[1], (int)call.Arguments[2], out var destination) || SocketName.IsLoopback(destination)
            || destination.Address.IsUnspecified)
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is null)
            return CallAnswer.Continue;
        return socket.Type == InterceptSocketType.Stream ? await ConnectStreamAsync(call, socket, destination).ConfigureAwait(false)
            : await datagrams.ConnectAsync(call, socket, destination).ConfigureAwait(false);
    }

    public async ValueTask<CallAnswer> BindAsync(SupervisedCall call)
    {
        if (!call.TryReadName(call.Arguments[1], (int)call.Arguments[2], out var local) || SocketName.IsLoopback(local))
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is null)
            return CallAnswer.Continue;
        if (local.Address.IsUnspecified)
        {
            // A datagram socket on any port is a client's, which may speak to anybody; it becomes virtual when it speaks to somebody who is.
            var isClient = socket.Type == InterceptSocketType.Datagram && local.Port == 0;
            if (isClient)
                socket.ReachV4();
            if (options.Listening != ListenPlace.Virtual || isClient)
                return CallAnswer.Continue;
        }

        var request = client.For(InterceptOperation.Bind);
        request.VirtualEndpoint = InterceptEndpoint.Of(local);
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        if (reply.Error != 0 || reply.Verdict == InterceptVerdict.Virtual)
            return CallAnswer.Failed(reply.Error);
        return options.IsIsolated ? CallAnswer.Failed(Errno.AddressNotAvailable) : CallAnswer.Continue;
    }

    public async ValueTask<CallAnswer> ListenAsync(SupervisedCall call)
    {
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Stream } || !socket.TryGetNear(out var near))
            return CallAnswer.Continue;
        var backlog = (int)call.Arguments[1];
        if (options.Listening != ListenPlace.Virtual && !SocketName.IsNear(near))
        {
            if (options.Listening == ListenPlace.Host || !near.Address.IsUnspecified)
                return CallAnswer.Continue;
            // On the system's network and on the virtual ones alike; it may have no port yet.
            if (socket.Listen(backlog) is var refused and not 0)
                return CallAnswer.Failed(refused);
        }
        else if (near.Port != 0 && !SocketName.IsNear(near))
        {
            return CallAnswer.Continue;
        }

        var request = client.For(InterceptOperation.Listen);
        request.Backlog = backlog;
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        return reply is { Error: 0, Verdict: InterceptVerdict.Host } ? CallAnswer.Continue : CallAnswer.Failed(reply.Error);
    }

    /// <summary>getsockname and getpeername.</summary>
    public async ValueTask<CallAnswer> GetNameAsync(SupervisedCall call, bool isFar)
    {
        using var socket = call.Open();
        if (socket is null || !socket.TryGetNear(out var near) || near.Port == 0)
            return CallAnswer.Continue;
        var hasFar = socket.TryGetFar(out var far);
        if (!SocketName.IsNear(near) && !(hasFar && SocketName.IsFar(far)))
            return CallAnswer.Continue;
        if (isFar && !hasFar)
            return CallAnswer.Failed(Errno.NotConnected);
        var reply = await client.AskAsync(client.For(InterceptOperation.Names), socket, CancellationToken.None).ConfigureAwait(false);
        // A connection that the service has forgotten, since it ended: its addresses are not known any more.
        if (reply is not { Error: 0, Verdict: InterceptVerdict.Virtual } || !(isFar ? reply.Second : reply.First).TryRead(out var name))
            return isFar ? CallAnswer.Failed(Errno.NotConnected) : CallAnswer.Continue;
        return CallAnswer.Failed(call.Arguments[1] == 0 ? Errno.BadAddress : call.GiveName(call.Arguments[1], call.Arguments[2], name, socket.Domain));
    }

    /// <summary>getsockopt of SO_ERROR: a connection that does not come about is one that the service accepts and resets at once: it knows why.</summary>
    public async ValueTask<CallAnswer> GetErrorAsync(SupervisedCall call)
    {
        var (value, lengthAddress) = (call.Arguments[3], call.Arguments[4]);
        if (!call.TryRead<int>(lengthAddress, out var room) || room != SocketErrorBytes)
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Stream } || !socket.TryGetNear(out var near) || !SocketName.IsNear(near))
            return CallAnswer.Continue;
        var error = socket.TakeError();
        if (error is 0 or Errno.ConnectionReset)
        {
            var reply = await client.AskAsync(client.For(InterceptOperation.Outcome), socket, CancellationToken.None).ConfigureAwait(false);
            if (reply.Error is not (0 or Errno.NetworkDown))
                error = reply.Error;
        }

        return CallAnswer.Failed(call.TryWrite(value, error) ? 0 : Errno.BadAddress);
    }

    private async ValueTask<CallAnswer> ConnectStreamAsync(SupervisedCall call, SocketDescriptor socket, InetEndpoint destination)
    {
        // The system knows what connecting again is.
        if (socket.TryGetFar(out _))
            return CallAnswer.Continue;
        var request = client.For(InterceptOperation.Connect);
        request.VirtualEndpoint = InterceptEndpoint.Of(destination);
        var reply = await client.AskAsync(request, socket, call.Interrupted).ConfigureAwait(false);
        if (reply.Error != 0 || reply.Verdict == InterceptVerdict.Virtual)
            return CallAnswer.Failed(reply.Error);
        if (options.IsIsolated)
            return CallAnswer.Failed(Errno.NetworkUnreachable);
        return socket.TryGetNear(out var near) && SocketName.IsNear(near) ? ConnectOfSystem(call, socket) : CallAnswer.Continue;
    }

    // A socket that was bound to a virtual address because nobody could know better turns to the system's network: it becomes a new one.
    private static CallAnswer ConnectOfSystem(SupervisedCall call, SocketDescriptor socket)
    {
        using var fresh = socket.CreateAlike();
        if (fresh is null)
            return CallAnswer.Failed(Errno.NetworkUnreachable);
        var error = call.Replace(fresh);
        return error == 0 ? CallAnswer.Continue : CallAnswer.Failed(error);
    }
}
