using System.Runtime.InteropServices;
using Lanyard.Intercept.Programs;
using Lanyard.Intercept.Supervision;

namespace Lanyard.Intercept.Tests;

public sealed class ProgramImageTests
{
    [Fact]
    public void A_dynamic_program_is_told_from_a_static_one_and_Gos()
    {
        Assert.True(ProgramImage.TryParse(Program(3, []), out var loaded));
        Assert.True(loaded is { IsDynamic: true, IsGo: false, Machine: ProgramImage.MachineX64 });
        Assert.True(ProgramImage.TryParse(Program(4, [3, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, .. "GNU\0abcd"u8, 4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, .. "Go\0\0abcd"u8]), out var made));
        Assert.True(made is { IsDynamic: false, IsGo: true });
    }

    [Fact]
    public void Hostile_files_are_refused_or_read_but_nothing_more()
    {
        var random = new Random(1);
        var good = Program(4, [4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, .. "Go\0\0abcd"u8]);
        for (var i = 0; i < 50_000; i++)
        {
            var bytes = good[..random.Next(good.Length + 1)];
            for (var flips = random.Next(8); flips > 0 && bytes.Length > 0; flips--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            _ = ProgramImage.TryParse(bytes, out _);
            _ = ProgramEngine.InterpreterOf(bytes);
        }
    }

    [Fact]
    public void A_scripts_interpreter_is_read_from_its_first_line()
    {
        Assert.Equal("/bin/sh", ProgramEngine.InterpreterOf("#!/bin/sh -e\nexit\n"u8));
        Assert.Equal("/usr/bin/env", ProgramEngine.InterpreterOf("#! /usr/bin/env python3"u8));
        Assert.Null(ProgramEngine.InterpreterOf("#!\n"u8));
        Assert.Null(ProgramEngine.InterpreterOf("echo"u8));
    }

    [Theory]
    [InlineData(Architecture.X64)]
    [InlineData(Architecture.Arm64)]
    public void The_filter_jumps_nowhere_but_within_itself(Architecture architecture)
    {
        var steps = SocketCallFilter.Create(architecture, isIsolated: true);
        for (var i = 0; i < steps.Length; i++)
            Assert.True(steps[i].Code == 0x06 || i + 1 + Math.Max(steps[i].IfTrue, steps[i].IfFalse) < steps.Length);
    }

    private static byte[] Program(byte segment, ReadOnlySpan<byte> content)
    {
        var file = new byte[120 + content.Length];
        "\u007fELF"u8.CopyTo(file);
        (file[4], file[5], file[18], file[32], file[54], file[56], file[64], file[72], file[96]) = (2, 1, 62, 64, 56, 1, segment, 120, (byte)content.Length);
        content.CopyTo(file.AsSpan(120));
        return file;
    }
}
