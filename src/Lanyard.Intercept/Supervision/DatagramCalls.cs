using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Supervision;

/// <summary>Answers the calls of UDP sockets. Counterpart of <c>native/intercept/datagrams.c</c> for supervised programs.</summary>
internal sealed class DatagramCalls(InterceptClient client, ProgramOptions options, SocketWaits waits)
{
    // struct mmsghdr: a struct msghdr, then the number of bytes sent or received.
    private const int ManyBytes = 64;
    private const int ManyCountOffset = 56;
    private const int MaxMessages = 1_024;

    private readonly DatagramNames _names = new(client, options);

    public async ValueTask<CallAnswer> ConnectAsync(SupervisedCall call, SocketDescriptor socket, InetEndpoint destination)
    {
        var route = await _names.FindFarAsync(call, socket, destination, default, isConnecting: true).ConfigureAwait(false);
        return route.Error != 0 ? CallAnswer.Failed(route.Error) : !route.Far.IsNone ? CallAnswer.Failed(socket.Connect(route.Far))
            : route.IsHostPing ? LeaveToSystem(call, socket, route) : await DisconnectAsync(socket).ConfigureAwait(false);
    }

    /// <summary>Connects a socket to an address of the system, or disconnects it if there is no destination.</summary>
    public ValueTask<CallAnswer> ConnectToSystemAsync(SupervisedCall call, SocketDescriptor socket, InetEndpoint destination)
    {
        if (destination.IsNone || !socket.TryGetNear(out var near) || !SocketName.IsNear(near))
            return DisconnectAsync(socket);
        // The unspecified address means this host.
        return ConnectAsync(call, socket, destination.Address.IsUnspecified ? destination with { Address = InetAddress.FromV4(0x7f000001) } : destination);
    }

    /// <summary>Answers bind of a socket that is on the system's network and the virtual networks, on the same port. Without a port, the service chooses one.</summary>
    public async ValueTask<CallAnswer> BindSharedAsync(SupervisedCall call, SocketDescriptor socket, InetEndpoint local)
    {
        if (local.Port != 0 && BindAsProgram(call, socket) is var refused and not 0)
            return CallAnswer.Failed(refused);
        var request = client.For(InterceptOperation.Bind);
        request.Flags = InterceptFlags.Shared;
        request.Virtual = InterceptEndpoint.Of(local);
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        return reply.Error == Errno.NetworkDown && local.Port == 0 ? CallAnswer.Continue : CallAnswer.Failed(reply.Error);
    }

    /// <summary>Answers setsockopt of multicast options and of options that the service applies on virtual networks.</summary>
    public async ValueTask<CallAnswer> SetOptionAsync(SupervisedCall call)
    {
        if (!GroupOption.TryRead(call, out var option))
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Datagram } || !socket.TryGetNear(out var near)
            || (options.Listening == ListenPlace.Host && !SocketName.IsNear(near)) || (option.IsSetting && near.Port == 0))
            return CallAnswer.Continue;
        if (option.IsSetting && SetAsProgram(call, socket) is var refused and not 0)
            return CallAnswer.Failed(refused);
        var request = client.For(option.Operation);
        request.Flags = option.Flags;
        request.Virtual = InterceptEndpoint.Of(new InetEndpoint(option.Group, 0));
        request.Far = InterceptEndpoint.Of(new InetEndpoint(option.Source, 0));
        request.Own = InterceptEndpoint.Of(new InetEndpoint(option.Own, 0));
        request.Own.Scope = option.Index;
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        if (option.IsSetting)
            return CallAnswer.Of(0);
        if (reply is { Error: 0, Verdict: InterceptVerdict.Host })
            return CallAnswer.Continue;
        // With ports on both networks, join the group on the system's network as well.
        if (option.Operation != InterceptOperation.Group || SocketName.IsNear(near) || options.Listening != ListenPlace.Both)
            return CallAnswer.Failed(reply.Error);
        var systems = SetAsProgram(call, socket);
        return CallAnswer.Failed(reply.Error == 0 ? 0 : systems);
    }

    /// <summary>
    /// Answers socket for ping sockets, which the kernel supports on the system's network only: creates a datagram socket to the service, which sends the
    /// pings.
    /// </summary>
    public async ValueTask<CallAnswer> CreateEchoAsync(SupervisedCall call)
    {
        var (domain, type, protocol) = ((int)call.Arguments[0], (int)call.Arguments[1], (int)call.Arguments[2]);
        if ((type & ~(Libc.CloseOnExec | Libc.NonBlocking)) != Libc.DatagramType || (domain == Libc.DomainV4) != (protocol == Libc.EchoV4))
            return CallAnswer.Continue;
        using var socket = call.CreateSocket(domain, type | Libc.CloseOnExec, Libc.Udp);
        if (socket is null)
            return CallAnswer.Failed(Libc.Error);
        var request = client.For(InterceptOperation.Bind);
        request.Flags = InterceptFlags.Echo;
        request.Virtual = InterceptEndpoint.Of(new InetEndpoint(domain == Libc.DomainV4 ? InetAddress.AnyV4 : InetAddress.AnyV6, 0));
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        if (reply is not { Error: 0, Verdict: InterceptVerdict.Virtual })
            return CallAnswer.Continue;
        return call.TryInstall(socket, (type & Libc.CloseOnExec) != 0, out var error) ? CallAnswer.Answered : CallAnswer.Failed(error);
    }

    public async ValueTask<CallAnswer> SendToAsync(SupervisedCall call)
    {
        var message = DatagramMessage.Of(call) with { NameLength = (int)call.Arguments[5] };
        if (!MayBeVirtual(call, message, out var destination))
            return CallAnswer.Continue;
        using var socket = call.Open();
        return socket is not { Type: InterceptSocketType.Datagram } ? CallAnswer.Continue
            : await SendAsync(call, socket, message, destination, (int)call.Arguments[3]).ConfigureAwait(false);
    }

    public async ValueTask<CallAnswer> SendMessageAsync(SupervisedCall call)
    {
        if (!HasName(call, call.Arguments[1]) || DatagramMessage.Read(call, call.Arguments[1], out var message) != 0 || !MayBeVirtual(call, message, out var destination))
            return CallAnswer.Continue;
        using var socket = call.Open();
        return socket is not { Type: InterceptSocketType.Datagram } ? CallAnswer.Continue
            : await SendAsync(call, socket, message, destination, (int)call.Arguments[2]).ConfigureAwait(false);
    }

    public async ValueTask<CallAnswer> SendMessagesAsync(SupervisedCall call)
    {
        var count = (int)Math.Min((uint)call.Arguments[2], MaxMessages);
        var flags = (int)call.Arguments[3];
        if (!AnyHasName(call, count, HasName))
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Datagram })
            return CallAnswer.Continue;
        for (var sent = 0; sent < count; sent++)
        {
            var address = AddressOf(call, sent);
            long result = -DatagramMessage.Read(call, address, out var message);
            var route = default(DatagramRoute);
            if (result == 0 && MayBeVirtual(call, message, out var destination))
            {
                route = await FindRouteAsync(call, socket, message, destination).ConfigureAwait(false);
                result = -route.Error;
            }

            // The program then sends the remaining messages again, with the replaced socket.
            if (route.IsHostPing)
                return sent > 0 ? CallAnswer.Of(sent) : LeaveToSystem(call, socket, route);
            if (result == 0)
                result = await SendWaitingAsync(call, socket, message, route, flags).ConfigureAwait(false);
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
            error = message.WriteData(call, received);
            if (error == 0)
                error = call.WriteName(call.Arguments[4], call.Arguments[5], received.Name.Span);
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
        if (!HasNames(call, call.Arguments[1]) || (flags & Libc.ErrorQueue) != 0)
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
        if (!AnyHasName(call, count, HasNames) || (flags & Libc.ErrorQueue) != 0)
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

    // Control messages contain addresses as well.
    private static bool HasNames(SupervisedCall call, nuint message) =>
        call.TryRead<Libc.Message>(message, out var head) && (head.Name != 0 || (head.Control != 0 && head.ControlLength != 0));

    private static bool AnyHasName(SupervisedCall call, int count, Func<SupervisedCall, nuint, bool> hasName)
    {
        for (var i = 0; i < count; i++)
        {
            if (hasName(call, AddressOf(call, i)))
                return true;
        }

        return false;
    }

    private static bool MayBeVirtual(SupervisedCall call, DatagramMessage message, out InetEndpoint destination) =>
        call.TryReadName(message.Name, message.NameLength, out destination) && !destination.Address.IsUnspecified;

    // Whether a destination is the system's loopback: any loopback address, unless the socket is bound to a loopback alias address.
    private static bool IsHostLoopback(SocketDescriptor socket, InetEndpoint destination) =>
        SocketName.IsLoopback(destination) && !(socket.TryGetNear(out var near) && SocketName.IsNear(near));

    private ValueTask<DatagramRoute> FindRouteAsync(SupervisedCall call, SocketDescriptor socket, DatagramMessage message, InetEndpoint destination) =>
        IsHostLoopback(socket, destination) ? ValueTask.FromResult(DatagramRoute.ToSystem(socket))
            : _names.FindFarAsync(call, socket, destination, message.ReadSource(call), isConnecting: false);

    private async ValueTask<CallAnswer> SendAsync(SupervisedCall call, SocketDescriptor socket, DatagramMessage message, InetEndpoint destination, int flags)
    {
        var route = await FindRouteAsync(call, socket, message, destination).ConfigureAwait(false);
        return route.Error != 0 ? CallAnswer.Failed(route.Error) : route is { Far.IsNone: true, Options: null } ? LeaveToSystem(call, socket, route)
            : CallAnswer.Of(await SendWaitingAsync(call, socket, message, route, flags).ConfigureAwait(false));
    }

    private static CallAnswer LeaveToSystem(SupervisedCall call, SocketDescriptor socket, DatagramRoute route)
    {
        if (!route.IsHostPing)
            return CallAnswer.Continue;
        return ReplaceWithPing(call, socket, socket.Domain == Libc.DomainV4 ? Libc.EchoV4 : Libc.EchoV6);
    }

    // Disconnects a socket: its datagrams carry no token afterwards, and it receives from any peer on the virtual networks.
    private async ValueTask<CallAnswer> DisconnectAsync(SocketDescriptor socket)
    {
        if (!socket.TryGetFar(out var far) || !SocketName.IsFar(far))
            return CallAnswer.Continue;
        _ = await client.AskAsync(client.For(InterceptOperation.Disconnect), socket, CancellationToken.None).ConfigureAwait(false);
        return socket.TryGetNear(out var near) && !SocketName.IsNear(near) && socket.SetOptions([]) is var kept and not 0 ? CallAnswer.Failed(kept) : CallAnswer.Continue;
    }

    // Binds as the program's user, because the port may require a privilege.
    private static unsafe int BindAsProgram(SupervisedCall call, SocketDescriptor socket)
    {
        var name = new byte[SocketName.MaxBytes];
        var length = (int)Math.Min(call.Arguments[2], SocketName.MaxBytes);
        if (!call.TryRead(call.Arguments[1], name.AsSpan(0, length)))
            return Errno.BadAddress;
        return call.RunAsUser(() =>
        {
            fixed (byte* bytes = name)
                return Libc.Bind(socket.Number, bytes, length) == 0 ? 0 : Libc.Error;
        });
    }

    private static int SetAsProgram(SupervisedCall call, SocketDescriptor socket)
    {
        const int maxBytes = 1_024;
        var value = new byte[(int)Math.Min(call.Arguments[4], maxBytes)];
        return call.TryRead(call.Arguments[3], value.AsSpan())
            ? call.RunAsUser(() => socket.SetOption((int)call.Arguments[1], (int)call.Arguments[2], value)) : Errno.BadAddress;
    }

    // Replaces the socket with a new ping socket of the kernel.
    private static CallAnswer ReplaceWithPing(SupervisedCall call, SocketDescriptor socket, int protocol)
    {
        using var systems = call.CreateAlike(socket, protocol);
        return systems is null ? CallAnswer.Failed(Libc.Error) : SocketExchange.Replace(call, socket, systems) is var error and not 0 ? CallAnswer.Failed(error) : CallAnswer.Continue;
    }

    private async ValueTask<long> SendWaitingAsync(SupervisedCall call, SocketDescriptor socket, DatagramMessage message, DatagramRoute route, int flags)
    {
        long? deadline = null;
        while (true)
        {
            var sent = message.Send(call, socket, route.Far, route.Options, flags);
            if (sent != -Errno.TryAgain || (flags & Libc.DoNotWait) != 0 || socket.IsNonBlocking)
                return sent;
            deadline ??= Deadline(socket.SendTimeout);
            if (!await waits.UntilReadyAsync(call, socket, Libc.PollOut, deadline).ConfigureAwait(false))
                return sent;
        }
    }

    // The caller returns the received datagram's buffer.
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
            if (await _names.FindOriginAsync(socket, far).ConfigureAwait(false) is { } origin)
            {
                PacketInformation.WriteDestination(received.Control.Span, origin);
                return (0, origin.Sender == far ? received : received with { Name = NameOf(origin.Sender, socket.Domain) });
            }

            received.Return();
            // A peeked datagram that is not for the program is still queued: remove it.
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
            error = message.WriteData(call, received);
            if (error == 0)
                error = message.WriteHeader(call, address, received, received.Name.Span);
            return error == 0 ? received.Count : -error;
        }
        finally
        {
            received.Return();
        }
    }
}
