using Lanyard.Primitives;
using Lanyard.Service.Intercept;

namespace Lanyard.Cli.Run;

/// <summary>The calls of UDP sockets: what <c>intercept/datagrams.c</c> does inside a program.</summary>
internal sealed class DatagramCalls(InterceptClient client, SuperviseOptions options, SocketWaits waits)
{
    // struct mmsghdr: a struct msghdr, and how much was sent or received.
    private const int ManyBytes = 64;
    private const int ManyCountOffset = 56;
    private const int MaxMessages = 1_024;

    private readonly DatagramNames _names = new(client, options);

    public async ValueTask<CallAnswer> ConnectAsync(SupervisedCall call, SocketDescriptor socket, InetEndpoint destination)
    {
        var route = await _names.FindFarAsync(socket, destination, isConnecting: true).ConfigureAwait(false);
        return route.Error != 0 ? CallAnswer.Failed(route.Error) : route.Far.IsNone ? LeaveToSystem(call, socket, route) : CallAnswer.Failed(socket.Connect(route.Far));
    }

    /// <summary>setsockopt of a multicast group.</summary>
    public async ValueTask<CallAnswer> SetGroupAsync(SupervisedCall call)
    {
        if (!GroupOption.TryRead(call, out var group))
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Datagram } || !socket.TryGetNear(out var near) || !SocketName.IsNear(near))
            return CallAnswer.Continue;
        var request = client.For(InterceptOperation.Group);
        request.VirtualEndpoint = InterceptEndpoint.Of(new InetEndpoint(group.Group, 0));
        if (group.IsJoining)
            request.Flags = InterceptFlags.Join;
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        return CallAnswer.Failed(reply.Error);
    }

    /// <summary>socket, for pings: the system's are for its own network; here they are datagram sockets to the service, which pings.</summary>
    public async ValueTask<CallAnswer> CreateEchoAsync(SupervisedCall call)
    {
        var (domain, type, protocol) = ((int)call.Arguments[0], (int)call.Arguments[1], (int)call.Arguments[2]);
        if ((type & ~(Libc.CloseOnExec | Libc.NonBlocking)) != Libc.DatagramType || (domain == Libc.DomainV4) != (protocol == Libc.EchoV4))
            return CallAnswer.Continue;
        var descriptor = Libc.Socket(domain, type | Libc.CloseOnExec, Libc.Udp);
        if (descriptor < 0)
            return CallAnswer.Failed(Libc.Error);
        using var socket = new SocketDescriptor(descriptor);
        var request = client.For(InterceptOperation.Bind);
        request.Flags = InterceptFlags.Echo;
        request.VirtualEndpoint = InterceptEndpoint.Of(new InetEndpoint(domain == Libc.DomainV4 ? InetAddress.AnyV4 : InetAddress.AnyV6, 0));
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        if (reply is not { Error: 0, Verdict: InterceptVerdict.Virtual })
            return CallAnswer.Continue;
        return call.TryGive(socket, (type & Libc.CloseOnExec) != 0, out var error) ? CallAnswer.Given : CallAnswer.Failed(error);
    }

    public async ValueTask<CallAnswer> SendToAsync(SupervisedCall call)
    {
        var message = DatagramMessage.Of(call) with { NameLength = (int)call.Arguments[5] };
        if (!MayBeOurs(call, message, out var destination))
            return CallAnswer.Continue;
        using var socket = call.Open();
        return socket is not { Type: InterceptSocketType.Datagram } ? CallAnswer.Continue
            : await SendAsync(call, socket, message, destination, (int)call.Arguments[3]).ConfigureAwait(false);
    }

    public async ValueTask<CallAnswer> SendMessageAsync(SupervisedCall call)
    {
        if (!HasName(call, call.Arguments[1]) || DatagramMessage.Read(call, call.Arguments[1], out var message) != 0 || !MayBeOurs(call, message, out var destination))
            return CallAnswer.Continue;
        using var socket = call.Open();
        return socket is not { Type: InterceptSocketType.Datagram } ? CallAnswer.Continue
            : await SendAsync(call, socket, message, destination, (int)call.Arguments[2]).ConfigureAwait(false);
    }

    public async ValueTask<CallAnswer> SendMessagesAsync(SupervisedCall call)
    {
        var count = (int)Math.Min((uint)call.Arguments[2], MaxMessages);
        var flags = (int)call.Arguments[3];
        if (!AnyHasName(call, count))
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Datagram })
            return CallAnswer.Continue;
        for (var sent = 0; sent < count; sent++)
        {
            var address = AddressOf(call, sent);
            long result = -DatagramMessage.Read(call, address, out var message);
            var route = default(DatagramRoute);
            if (result == 0 && MayBeOurs(call, message, out var destination))
            {
                route = await FindRouteAsync(socket, destination).ConfigureAwait(false);
                result = -route.Error;
            }

            // The program sends again what was not sent, by the other socket then.
            if (route.IsSystemsEcho)
                return sent > 0 ? CallAnswer.Of(sent) : LeaveToSystem(call, socket, route);
            if (result == 0)
                result = await SendWaitingAsync(call, socket, message, route.Far, flags).ConfigureAwait(false);
            if (result >= 0 && !call.TryWrite(address + ManyCountOffset, (int)result))
                result = -Errno.BadAddress;
            if (result < 0)
                return CallAnswer.Of(sent > 0 ? sent : result);
        }

        return CallAnswer.Of(count);
    }

    public async ValueTask<CallAnswer> ReceiveFromAsync(SupervisedCall call)
    {
        var flags = (int)call.Arguments[3];
        if (call.Arguments[5] == 0 || (flags & Libc.ErrorQueue) != 0)
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Datagram })
            return CallAnswer.Continue;
        var message = DatagramMessage.Of(call);
        var (error, received) = await ReceiveAsync(call, socket, message, flags, Deadline(socket.ReceiveTimeout), isWaiting: true).ConfigureAwait(false);
        if (error != 0)
            return CallAnswer.Failed(error);
        try
        {
            error = message.Give(call, received);
            if (error == 0)
                error = call.GiveName(call.Arguments[4], call.Arguments[5], received.Name.Span);
            return error == 0 ? CallAnswer.Of(received.Count) : CallAnswer.Failed(error);
        }
        finally
        {
            received.Return();
        }
    }

    public async ValueTask<CallAnswer> ReceiveMessageAsync(SupervisedCall call)
    {
        var flags = (int)call.Arguments[2];
        if (!HasName(call, call.Arguments[1]) || (flags & Libc.ErrorQueue) != 0)
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Datagram })
            return CallAnswer.Continue;
        return CallAnswer.Of(await ReceiveIntoAsync(call, socket, call.Arguments[1], flags, Deadline(socket.ReceiveTimeout), isWaiting: true).ConfigureAwait(false));
    }

    public async ValueTask<CallAnswer> ReceiveMessagesAsync(SupervisedCall call)
    {
        var count = (int)Math.Min((uint)call.Arguments[2], MaxMessages);
        var flags = (int)call.Arguments[3];
        if (!AnyHasName(call, count) || (flags & Libc.ErrorQueue) != 0)
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Datagram })
            return CallAnswer.Continue;
        var deadline = Deadline(socket.ReceiveTimeout);
        if (call.Arguments[4] != 0)
        {
            // struct timespec.
            if (!call.TryRead<(long Seconds, long Nanoseconds)>(call.Arguments[4], out var time))
                return CallAnswer.Failed(Errno.BadAddress);
            deadline = Environment.TickCount64 + (Math.Clamp(time.Seconds, 0, int.MaxValue) * 1_000) + (Math.Clamp(time.Nanoseconds, 0, 999_999_999) / 1_000_000);
        }

        for (var got = 0; got < count; got++)
        {
            var isWaiting = got == 0 || (flags & Libc.WaitForOne) == 0;
            var result = await ReceiveIntoAsync(call, socket, AddressOf(call, got), flags & ~Libc.WaitForOne, deadline, isWaiting).ConfigureAwait(false);
            if (result >= 0 && !call.TryWrite(AddressOf(call, got) + ManyCountOffset, (int)result))
                result = -Errno.BadAddress;
            if (result < 0)
                return CallAnswer.Of(got > 0 ? got : result);
        }

        return CallAnswer.Of(count);
    }

    private static nuint AddressOf(SupervisedCall call, int index) => call.Arguments[1] + (nuint)(index * ManyBytes);

    private static long? Deadline(TimeSpan? timeout) => timeout is { } time ? Environment.TickCount64 + (long)time.TotalMilliseconds : null;

    // The name comes first in struct msghdr.
    private static bool HasName(SupervisedCall call, nuint message) => call.TryRead<nuint>(message, out var name) && name != 0;

    private static bool AnyHasName(SupervisedCall call, int count)
    {
        for (var i = 0; i < count; i++)
        {
            if (HasName(call, AddressOf(call, i)))
                return true;
        }

        return false;
    }

    private static bool MayBeOurs(SupervisedCall call, DatagramMessage message, out InetEndpoint destination) =>
        call.TryReadName(message.Name, message.NameLength, out destination) && !destination.Address.IsUnspecified && !SocketName.IsFar(destination);

    // The system's loopback addresses are the system's; but what asks for pings there must get a socket of the system's.
    private static bool IsOfSystem(SocketDescriptor socket, InetEndpoint destination) =>
        SocketName.IsLoopback(destination) && !(socket.TryGetNear(out var near) && SocketName.IsNear(near));

    private ValueTask<DatagramRoute> FindRouteAsync(SocketDescriptor socket, InetEndpoint destination) =>
        IsOfSystem(socket, destination) ? default : _names.FindFarAsync(socket, destination, isConnecting: false);

    private async ValueTask<CallAnswer> SendAsync(SupervisedCall call, SocketDescriptor socket, DatagramMessage message, InetEndpoint destination, int flags)
    {
        var route = await FindRouteAsync(socket, destination).ConfigureAwait(false);
        return route.Error != 0 ? CallAnswer.Failed(route.Error) : route.Far.IsNone ? LeaveToSystem(call, socket, route)
            : CallAnswer.Of(await SendWaitingAsync(call, socket, message, route.Far, flags).ConfigureAwait(false));
    }

    private static CallAnswer LeaveToSystem(SupervisedCall call, SocketDescriptor socket, DatagramRoute route)
    {
        if (!route.IsSystemsEcho)
            return CallAnswer.Continue;
        using var systems = socket.CreateAlike(socket.Domain == Libc.DomainV4 ? Libc.EchoV4 : Libc.EchoV6);
        return systems is null ? CallAnswer.Failed(Libc.Error) : call.Replace(systems) is var error and not 0 ? CallAnswer.Failed(error) : CallAnswer.Continue;
    }

    private async ValueTask<long> SendWaitingAsync(SupervisedCall call, SocketDescriptor socket, DatagramMessage message, InetEndpoint far, int flags)
    {
        long? deadline = null;
        while (true)
        {
            var sent = message.Send(call, socket, far, flags);
            if (sent != -Errno.TryAgain || (flags & Libc.DoNotWait) != 0 || socket.IsNonBlocking)
                return sent;
            deadline ??= Deadline(socket.SendTimeout);
            if (!await waits.UntilReadyAsync(call, socket, Libc.PollOut, deadline).ConfigureAwait(false))
                return sent;
        }
    }

    // What came is the caller's to give back.
    private async ValueTask<(int Error, ReceivedDatagram Received)> ReceiveAsync(
        SupervisedCall call, SocketDescriptor socket, DatagramMessage message, int flags, long? deadline, bool isWaiting)
    {
        while (true)
        {
            var error = message.Receive(socket, flags, out var received);
            if (error == Errno.TryAgain && isWaiting && (flags & Libc.DoNotWait) == 0 && !socket.IsNonBlocking
                && await waits.UntilReadyAsync(call, socket, Libc.PollIn, deadline).ConfigureAwait(false))
                continue;
            if (error != 0 || !SocketName.TryRead(received.Name.Span, out var far))
                return (error, received);
            if (await _names.FindSenderAsync(socket, far).ConfigureAwait(false) is { } sender)
                return (0, sender == far ? received : received with { Name = NameOf(sender, socket.Domain) });
            received.Return();
            // It was only looked at, and is not for the program.
            if ((flags & Libc.Peek) != 0 && new DatagramMessage(0, 0, [], 0, 0).Receive(socket, 0, out var skipped) == 0)
                skipped.Return();
        }
    }

    private static byte[] NameOf(InetEndpoint endpoint, int domain)
    {
        var name = new byte[SocketName.MaxBytes];
        return name[..SocketName.Write(endpoint, domain, name)];
    }

    private async ValueTask<long> ReceiveIntoAsync(SupervisedCall call, SocketDescriptor socket, nuint address, int flags, long? deadline, bool isWaiting)
    {
        if (DatagramMessage.Read(call, address, out var message) is var unread and not 0)
            return -unread;
        var (error, received) = await ReceiveAsync(call, socket, message, flags, deadline, isWaiting).ConfigureAwait(false);
        if (error != 0)
            return -error;
        try
        {
            error = message.Give(call, received);
            if (error == 0)
                error = message.GiveHead(call, address, received, received.Name.Span);
            return error == 0 ? received.Count : -error;
        }
        finally
        {
            received.Return();
        }
    }
}
