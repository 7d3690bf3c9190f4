using System.Runtime.InteropServices;

namespace Lanyard.Cli.Run;

/// <summary>
/// The filter that a program's system calls pass (<c>seccomp(2)</c>, classic BPF): it stops those that the supervisor answers, and lets all others go on,
/// those of other machines' programs (32 bits, x32) among them.
/// </summary>
internal static class SocketCallFilter
{
    private const uint ArchitectureX64 = 0xc000003e;
    private const uint ArchitectureArm64 = 0xc00000b7;
    private const uint Notify = 0x7fc00000;
    private const uint Allow = 0x7fff0000;

    private const ushort Load = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private const ushort JumpIfEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    private const ushort Return = 0x06; // BPF_RET | BPF_K

    // struct seccomp_data.
    private const uint NumberOffset = 0;
    private const uint ArchitectureOffset = 4;
    private const uint ArgumentsOffset = 16;

    private const uint SolSocket = 1;
    private const uint SoError = 4;
    private const int NameArgument = 4;

    private static readonly SocketCall[] s_always =
    [
        SocketCall.Connect, SocketCall.Bind, SocketCall.Listen, SocketCall.Accept, SocketCall.Accept4, SocketCall.GetSocketName, SocketCall.GetPeerName,
        SocketCall.SendMessage, SocketCall.SendMessages, SocketCall.ReceiveMessage, SocketCall.ReceiveMessages,
    ];

    /// <summary>The filter's steps for a machine.</summary>
    public static Kernel.FilterStep[] Create(Architecture architecture)
    {
        var steps = new List<Kernel.FilterStep>
        {
            Step(Load, ArchitectureOffset),
            Jump(architecture == Architecture.Arm64 ? ArchitectureArm64 : ArchitectureX64, 1, 0),
            Step(Return, Allow),
            Step(Load, NumberOffset),
        };
        foreach (var call in s_always)
        {
            steps.Add(Jump(Number(call, architecture), 0, 1));
            steps.Add(Step(Return, Notify));
        }

        // Data that goes to, or comes from, whom the socket is connected to has no name, and is none of the supervisor's business.
        foreach (var call in new[] { SocketCall.SendTo, SocketCall.ReceiveFrom })
        {
            steps.AddRange([Jump(Number(call, architecture), 0, 6), Step(Load, Low(NameArgument)), Jump(0, 0, 3), Step(Load, Low(NameArgument) + 4), Jump(0, 0, 1)]);
            steps.AddRange([Step(Return, Allow), Step(Return, Notify)]);
        }

        steps.AddRange([Jump(Number(SocketCall.GetSocketOption, architecture), 0, 5), Step(Load, Low(1)), Jump(SolSocket, 0, 3), Step(Load, Low(2)), Jump(SoError, 0, 1)]);
        steps.AddRange([Step(Return, Notify), Step(Return, Allow)]);
        return [.. steps];
    }

    private static uint Number(SocketCall call, Architecture architecture) => (uint)SocketCalls.NumberOf(call, architecture);

    // Arguments are of 64 bits; the machines that there are store the low half first.
    private static uint Low(int argument) => ArgumentsOffset + ((uint)argument * 8);

    private static Kernel.FilterStep Step(ushort code, uint operand) => new() { Code = code, Operand = operand };

    private static Kernel.FilterStep Jump(uint value, byte ifEqual, byte ifNot) => new() { Code = JumpIfEqual, Operand = value, IfTrue = ifEqual, IfFalse = ifNot };
}
