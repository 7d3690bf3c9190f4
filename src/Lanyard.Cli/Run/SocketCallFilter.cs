using System.Runtime.InteropServices;
using Lanyard.Service.Intercept;

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

    private const int SoError = 4;
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

        steps.AddRange(If(SocketCall.GetSocketOption, architecture, 1, [Libc.SolSocket], 2, [SoError]));
        steps.AddRange(If(SocketCall.SetSocketOption, architecture, 1, [GroupOption.LevelV4, GroupOption.LevelV6], 2, GroupOption.Options));
        steps.AddRange(If(SocketCall.Socket, architecture, 0, [Libc.DomainV4, Libc.DomainV6], 2, [Libc.EchoV4, Libc.EchoV6]));
        steps.Add(Step(Return, Allow));
        return [.. steps];
    }

    // A call of which two arguments each have one of some values.
    private static Kernel.FilterStep[] If(SocketCall call, Architecture architecture, int first, int[] firsts, int second, int[] seconds)
    {
        Kernel.FilterStep[] values =
        [
            Step(Load, Low(first)), .. AnyOf(firsts, 0, (byte)(seconds.Length + 1)), Step(Load, Low(second)), .. AnyOf(seconds, 1, 0),
            Step(Return, Allow), Step(Return, Notify),
        ];
        return [Jump(Number(call, architecture), 0, (byte)values.Length), .. values];
    }

    // Goes on behind itself, and so many steps further, where what was loaded is one of some values or is not.
    private static IEnumerable<Kernel.FilterStep> AnyOf(int[] values, byte ifEqual, byte ifNot) =>
        values.Select((value, i) => Jump((uint)value, (byte)(values.Length - 1 - i + ifEqual), i == values.Length - 1 ? ifNot : (byte)0));

    private static uint Number(SocketCall call, Architecture architecture) => (uint)SocketCalls.NumberOf(call, architecture);

    // Arguments are of 64 bits; the machines that there are store the low half first.
    private static uint Low(int argument) => ArgumentsOffset + ((uint)argument * 8);

    private static Kernel.FilterStep Step(ushort code, uint operand) => new() { Code = code, Operand = operand };

    private static Kernel.FilterStep Jump(uint value, byte ifEqual, byte ifNot) => new() { Code = JumpIfEqual, Operand = value, IfTrue = ifEqual, IfFalse = ifNot };
}
