import { memoryMessages, messageStore } from '../support/memory-messages.ts';
import { testMessageStore } from '../support/message-store-contract.ts';

testMessageStore(() => messageStore(memoryMessages()));
