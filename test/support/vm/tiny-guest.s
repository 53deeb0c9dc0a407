# Assembled: as --32 -o g.o tiny-guest.s && objcopy -O binary -j .text g.o g.bin && xxd -p g.bin; see tiny-guest.ts
.code16
.org 0
start:
  xorw %ax,%ax
  movw %ax,%ds
  movw %ax,%ss
  movw $0x7c00,%sp
  sti
main:
  movw $(0x7c00+digits+3),%di
inc:
  incb (%di)
  cmpb $('9'+1),(%di)
  jne listen
  movb $'0',(%di)
  decw %di
  jmp inc
listen:
  cmpb $'0',(0x7c00+digits+2)
  je print
  movw $0x602,%dx
  movw $0x100,%ax
  outw %ax,%dx
print:
  movw $(0x7c00+line),%si
next:
  lodsb
  testb %al,%al
  jz wait
  movb %al,%ah
  movw $0x3fd,%dx
busy:
  inb %dx,%al
  testb $0x20,%al
  jz busy
  movb %ah,%al
  movw $0x3f8,%dx
  outb %al,%dx
  jmp next
wait:
  movw 0x46c,%bx
pause:
  hlt
  movw $0x600,%dx
  inw %dx,%ax
  testb $1,%ah
  jnz off
  movw 0x46c,%ax
  subw %bx,%ax
  cmpw $2,%ax
  jb pause
  jmp main
off:
  movw $0x604,%dx
  movw $0x2000,%ax
  outw %ax,%dx
stay:
  hlt
  jmp stay
line: .ascii "[mobyvm 1.00] init: counted "
digits: .ascii "0000"
  .asciz "\r\n"
